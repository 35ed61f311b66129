// Owns the comparison's other side: the same tables as the Python scripts made them. One table after the other, each in
// steps of a fixed number of blocks, joined by lower-cased transaction hashes (bench/python-manner/*.sql).
import { readFile } from 'node:fs/promises'
import { post } from '../../test/support/server.ts'
import { type Chain, DENCUN, NETWORK, rangeOf } from './chain.ts'
import { timed } from './measure.ts'
import type { Server } from './server.ts'

/** accounts_alive last: it reads three of the others. */
const TABLES = [
  'address_diffs',
  'address_reads',
  'address_first_access',
  'address_last_access',
  'address_storage_slot_first_access',
  'address_storage_slot_last_access',
  'address_slots_stat_per_block',
  'block_slots_stat',
  'pre_6780_accounts_destructs',
  'post_6780_accounts_destructs',
  'accounts_alive',
] as const

/** Fills the derived tables in `target`. @returns ms by table key */
export async function runPythonManner(
  server: Server,
  { chain, target, step }: { readonly chain: Chain; readonly target: string; readonly step: number },
): Promise<ReadonlyMap<string, number>> {
  const { from, to } = rangeOf(chain)
  const times = new Map<string, number>()
  for (const table of TABLES) {
    const statement = await readFile(new URL(`../python-manner/${table}.sql`, import.meta.url), 'utf8')
    const steps = async () => {
      for (let start = from; start <= to; start += step)
        await post(server, statement, {
          source: chain.source,
          target,
          network: NETWORK,
          from_block: start,
          to_block: Math.min(to, start + step - 1),
          dencun: DENCUN,
          spurious_dragon: 2_675_000,
        })
    }
    times.set(table, await timed(steps))
  }
  return times
}
