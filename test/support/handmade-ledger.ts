// Owns a ledger whose events a test appends by hand, and what the fold says of them.
import type { Names, Server } from '../../src/clickhouse/server.ts'
import type { Island } from '../../src/ledger/events.ts'
import { foldQuery } from '../../src/ledger/fold.ts'
import { insertRows } from './clickhouse.ts'
import type { Event } from './ledger-history.ts'

export type HandmadeLedger = { readonly server: Server; readonly names: Names }

/** Appends events by hand, in whatever order they come. */
export function insertEvents({ server, names }: HandmadeLedger, network: string, events: readonly Event[]) {
  return insertRows(
    server,
    `${names.ledger}.ledger`,
    events.map(({ key, uuid, epoch, seq, event, range, hash, forks = '', inputs = '', islands = [] }) => ({
      network,
      table_key: key,
      target_uuid: uuid,
      epoch,
      seq,
      event,
      range_from: range.from,
      range_to: range.to,
      sql_hash: hash,
      forks,
      inputs,
      islands: islands.map((island) => ({
        range_from: island.from,
        range_to: island.to,
        state: island.state,
        sql_hash: island.sqlHash,
        forks: island.forks,
        inputs: island.inputs,
      })),
    })),
  )
}

type FoldOptions = {
  readonly network: string
  readonly uuids: ReadonlyMap<string, string>
  readonly fromCheckpoint: boolean
}

/** What the fold says, by table key. */
export async function foldOf(
  { server, names }: HandmadeLedger,
  options: FoldOptions,
): Promise<Record<string, Island[]>> {
  const rows = await foldQuery(server.db.withSchema(names.ledger), options).execute()
  const keys = [...options.uuids.keys()].map((key): [string, Island[]] => [
    key,
    rows.filter((row) => row.table_key === key).map(({ table_key: __, ...island }) => island),
  ])
  return Object.fromEntries(keys)
}
