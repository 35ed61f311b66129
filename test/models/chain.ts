// Owns a small world with sources of other columns: blocks without a network, slots every twelve seconds, and what arrives
// later than they do.
import { cpSync, mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Catalogue } from '../../src/model/model.ts'
import type { Range } from '../../src/model/blocks.ts'
import { post, type TestServer } from '../support/server.ts'
import { SQL_FOLDER } from '../support/workspace.ts'

/** The models with the ledger of the project, as a folder; the caller removes it. */
export function modelFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'backfill-models-'))
  cpSync(fileURLToPath(new URL('.', import.meta.url)), folder, {
    recursive: true,
    filter: (path) => !path.endsWith('.ts'),
  })
  cpSync(join(SQL_FOLDER, 'ledger'), join(folder, 'ledger'), { recursive: true })
  return folder
}

/** 2024-03-13 00:00:00 UTC: the first slot; every slot but each ninth has a block. */
export const FIRST = 1_710_288_000

export async function createSources(
  server: Pick<TestServer, 'url' | 'username' | 'password'>,
  { sources }: Catalogue,
  source: string,
): Promise<void> {
  await post(server, 'CREATE DATABASE IF NOT EXISTS {source:Identifier}', { source })
  for (const { ddl } of sources) await post(server, ddl.text, { source })
  await post(
    server,
    `INSERT INTO {source:Identifier}.dim_node SELECT number, if(number % 2 = 0, 'NL', 'DE') FROM numbers(7)`,
    { source },
  )
}

/** Adds the rows of these slots, counted from 0, to all sources; those with networks have rows of another one, too. */
export async function addSlots(
  server: Pick<TestServer, 'url' | 'username' | 'password'>,
  source: string,
  { from, to }: Range,
): Promise<void> {
  const slots = `FROM (
    SELECT number AS n, fromUnixTimestamp(${FIRST} + number * 12) AS at, '2026-01-01 00:00:00' AS written, n % 9 = 8 AS missed, n - intDiv(n, 9) AS block,
      arrayJoin(['mainnet', 'sepolia']) AS network
    FROM numbers({from:UInt64}, {count:UInt64})
  )`
  const rows: Readonly<Record<string, string>> = {
    eth_blocks: `block, at, n * 7 % 1000 + 21000, toString(n % 5) ${slots} WHERE NOT missed AND network = 'mainnet'`,
    eth_transfers: `network, block, i, concat('t', toString((n + i) % 9)), n + i, written ${slots} ARRAY JOIN range(n % 4 + 1) AS i WHERE NOT missed`,
    beacon_slots: `written, network, n, at, n * 31 % 23, if(missed, NULL, hex(n)) ${slots}`,
    gossip_blocks: `written, network, at, i, n * 13 % 700 + i ${slots} ARRAY JOIN range(3) AS i WHERE NOT missed`,
    attestations: `written, network, at, i, (n + i) % 5 != 0 ${slots} ARRAY JOIN range(n % 6) AS i`,
    mempool: `network, at + n % 11 + 0.25, hex(n), n ${slots} WHERE n % 5 = 0`,
    epochs: `written, intDiv(n, 32), at, n ${slots} WHERE n % 32 = 0 AND network = 'mainnet'`,
  }
  for (const [table, select] of Object.entries(rows))
    await post(server, `INSERT INTO {source:Identifier}.${table} SELECT ${select}`, {
      source,
      from,
      count: to - from + 1,
    })
}
