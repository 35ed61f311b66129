// Owns a world in which everything is done: two blocks of sources, a row in each target, and a ledger of so many events.
import { createTables } from '../../src/runner/create-tables.ts'
import type { TableDefinition } from '../../src/model/model.ts'
import { resolveLimits } from '../../src/planning/bounds.ts'
import { uuidsOf } from '../../src/planning/table-status.ts'
import { post, type TestServer } from '../../test/support/server.ts'
import type { TestWorkspace } from '../../test/support/workspace.ts'

/** Blocks of a chunk: with them 10^6 events cover 22.7 million blocks of the eleven tables, as mainnet has. */
const CHUNK = 500
const EVENTS_PER_CHUNK = 2
/** Of a table in one run, as in a year of cron every ten minutes: 50,000 runs have 2 million events. */
const EVENTS_PER_EPOCH = 4

/** Fills the sources with a first and a last block, and the ledger with `started` and `done` of every chunk of the tables between. */
export async function fillLedger(
  on: Pick<TestServer, 'url' | 'username' | 'password'>,
  place: TestWorkspace,
  events: number,
  tables: readonly TableDefinition[] = place.workspace.catalogue.tables,
): Promise<ReadonlyMap<string, string>> {
  const { workspace, source } = place
  const { catalogue, network } = workspace
  const head = Math.ceil(events / tables.length / EVENTS_PER_CHUNK) * CHUNK
  await post(on, 'CREATE DATABASE {source:Identifier}', { source })
  for (const { table, ddl } of catalogue.sources) {
    await post(on, ddl.text, { source })
    await post(
      on,
      `INSERT INTO {source:Identifier}.{table:Identifier} (meta_network_name, block_number)
       SELECT {network:String}, arrayJoin([1, {head:UInt64}])`,
      { source, table, network: network.name, head },
    )
  }
  return await recordDone(on, place, { head, chunk: CHUNK, tables })
}

/** Creates the tables, puts a row into each, and records its blocks up to `head` as done, in chunks of so many blocks. */
export async function recordDone(
  on: Pick<TestServer, 'url' | 'username' | 'password'>,
  { workspace, ledger }: TestWorkspace,
  {
    head,
    chunk,
    tables = workspace.catalogue.tables,
  }: { readonly head: number; readonly chunk: number; readonly tables?: readonly TableDefinition[] },
): Promise<ReadonlyMap<string, string>> {
  const { catalogue, network, ports } = workspace
  const perTable = Math.ceil(head / chunk) * EVENTS_PER_CHUNK
  const lastEpoch = Math.ceil(perTable / EVENTS_PER_EPOCH)
  await createTables(workspace)
  const uuids = uuidsOf(
    catalogue.tables,
    await ports.target.tables(catalogue.tables.map(({ target }) => target)),
  )
  for (const { target, blocks } of tables) {
    // An empty table that should not be would be looked into; rows without an event would be unknown.
    if ((resolveLimits(blocks, network.forks).from ?? 1) > head) continue
    await post(on, 'INSERT INTO {database:Identifier}.{target:Identifier} (block_number) VALUES (1)', {
      database: ports.target.database,
      target,
    })
  }
  for (const { key, sqlHash, sources, after, blocks } of tables) {
    // Done ranges outside of a table's limits are stale.
    const { from = 1, to = head } = resolveLimits(blocks, network.forks)
    const last = Math.min(to, head)
    await post(
      on,
      `INSERT INTO {ledger:Identifier}.ledger (network, table_key, epoch, seq, event, range_from, range_to, target_uuid,
        sql_hash, source_fingerprint, inputs, attempt, run_id, query_id, user, rows_read, rows_written, host, event_time)
       SELECT {network:String}, {key:String}, intDiv(number, {epoch:UInt64}) + 1 AS epoch, number % {epoch:UInt64} + 1,
        if(number % 2 = 0, 'started', 'done'), greatest({from:UInt64}, intDiv(number, 2) * {chunk:UInt64} + 1) AS range_from,
        least({to:UInt64}, intDiv(number, 2) * {chunk:UInt64} + {chunk:UInt64}) AS range_to,
        {uuid:UUID}, {hash:String}, {fingerprint:String}, {inputs:String}, 1, toString(cityHash64(epoch)),
        concat('backfill-', {key:String}, '-', toString(range_from), '-', toString(generateUUIDv4(number))), 'backfill',
        cityHash64(number) % 1000000, cityHash64(number) % 100000, 'host', now64(6)
       FROM numbers({events:UInt64}) WHERE range_from <= range_to`,
      {
        ledger,
        network: network.name,
        key,
        from,
        to: last,
        epoch: EVENTS_PER_EPOCH,
        chunk,
        uuid: uuids.get(key)!,
        hash: sqlHash,
        fingerprint: sources.map((name) => `${name}=${chunk}@1700000000`).join(' '),
        // Read when the last of their events was there.
        inputs: after
          .map((input) => `${input}=${uuids.get(input)}@${lastEpoch}.${EVENTS_PER_EPOCH}`)
          .toSorted()
          .join(' '),
        events: perTable,
      },
    )
  }
  return uuids
}

/** Appends the checkpoint of every table, as a run does at its end. */
export async function checkpointAll(
  { workspace: { ports } }: TestWorkspace,
  uuids: ReadonlyMap<string, string>,
): Promise<void> {
  for (const [key, targetUuid] of uuids) {
    const lock = await ports.locks.acquire(key, () => {})
    await ports.ledger.checkpoint([{ lock, targetUuid }], 'bench')
    await lock.release()
  }
}
