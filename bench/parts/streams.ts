// Owns the comparison of a streamed chunk with INSERT … SELECT FROM remote(): one transform, one pair of servers.
import type { Compression, TableDefinition } from '../../src/model/model.ts'
import { runWrite, writeSettings } from '../../src/clickhouse/write.ts'
import { transformParams } from '../../src/targets/transform.ts'
import { quoteIdentifier } from '../../src/sql-syntax/quoting.ts'
import { post, rowsOf, uniqueDatabase } from '../../test/support/server.ts'
import { openTestWorkspace, type TestWorkspace } from '../../test/support/workspace.ts'
import { type Chain, NETWORK, rangeOf } from '../support/chain.ts'
import { alternate, median, timed } from '../support/measure.ts'
import type { Report } from '../support/report.ts'
import type { Server } from '../support/server.ts'

type Pair = Readonly<Record<'source' | 'target', Server>>
type Options = {
  readonly chain: Chain
  readonly runs: number
  readonly tables: readonly string[]
  readonly compressions: readonly Compression[]
}

export async function streams(pair: Pair, { chain, runs, tables, compressions }: Options): Promise<Report> {
  const address = await openNativePort(pair.source)
  const places = { target: uniqueDatabase('bench_target'), ledger: uniqueDatabase('bench_ledger') }
  const open = (compression: Compression) =>
    openTestWorkspace({
      server: pair.target,
      sourceServer: pair.source,
      source: chain.source,
      ...places,
      network: NETWORK,
      tables,
      compression,
    })
  const workspaces = await Promise.all(
    compressions.map(async (compression) => [compression, await open(compression)] as const),
  )
  const [[, workspace]] = workspaces as unknown as readonly [readonly [Compression, TestWorkspace]]
  try {
    await workspace.workspace.ports.target.prepare(workspace.workspace.catalogue.ledger)
    const rows: (readonly (string | number)[])[] = []
    const all = { remote: 0 } as Record<'remote' | Compression, number>
    for (const table of workspace.workspace.chosen) {
      await workspace.workspace.ports.target.create(table)
      const lock = await workspace.workspace.ports.locks.acquire(table.key, () => {})
      const known = await workspace.workspace.ports.target.identities([table.target])
      const targetUuid = known.get(table.target)!.uuid
      const into = { target: workspace.target, table: table.target }
      const emptied = async (work: () => Promise<unknown>): Promise<number> => {
        await post(pair.target, 'TRUNCATE TABLE {target:Identifier}.{table:Identifier} SYNC', into)
        return await timed(work)
      }
      const range = rangeOf(chain)
      let run = 0
      const job = () => ({
        table,
        range,
        targetUuid,
        lock,
        progress: true,
        queryId: `bench-${table.key}-${process.pid}-${run++}`,
      })
      const works = {
        remote: () => emptied(() => insertRemote(workspace, { table, chain, address, source: pair.source })),
        ...Object.fromEntries(
          workspaces.map(([compression, one]) => [
            compression,
            () => emptied(() => one.workspace.ports.executor.insert(job())),
          ]),
        ),
      } as Record<'remote' | Compression, () => Promise<number>>
      // Caches are warm then for all of them.
      for (const work of Object.values(works)) await work()
      const [count] = await rowsOf<{ rows: number }>(
        pair.target,
        'SELECT count() AS rows FROM {target:Identifier}.{table:Identifier}',
        into,
      )
      const found = await alternate(runs, works)
      const seconds = (name: 'remote' | Compression) => median(found[name]) / 1000
      const ratio = (compression: Compression) =>
        median(found[compression].map((ms, at) => ms / found.remote[at]!))
      for (const name of ['remote', ...compressions] as const) all[name] = (all[name] ?? 0) + seconds(name)
      rows.push([
        table.key,
        count!.rows,
        seconds('remote'),
        ...compressions.flatMap((compression) => [seconds(compression), ratio(compression)]),
      ])
      await lock.release()
    }
    rows.push([
      'all',
      '',
      all.remote,
      ...compressions.flatMap((compression) => [all[compression], all[compression] / all.remote]),
    ])
    return {
      title: `A chunk of ${chain.blocks} blocks from server to server: remote() and the stream, seconds, medians of ${runs} alternating runs; "/ remote": median of the ratios of each round`,
      columns: [
        'table',
        'rows',
        'remote()',
        ...compressions.flatMap((compression) => [compression, '/ remote']),
      ],
      rows,
    }
  } finally {
    for (const [, one] of workspaces) await one.close()
  }
}

/** The embedded server listens to HTTP alone until it is told otherwise. */
async function openNativePort(source: Server): Promise<string> {
  await post(source, 'SYSTEM START LISTEN TCP')
  const [row] = await rowsOf<{ port: number }>(source, `SELECT getServerPort('tcp_port') AS port`)
  return `127.0.0.1:${row!.port}`
}

type Remote = {
  readonly table: TableDefinition
  readonly chain: Chain
  readonly address: string
  readonly source: Server
}

/** The transform is computed on the source, as in the stream, and the target pulls its rows over the native protocol. */
async function insertRemote(
  workspace: TestWorkspace,
  { table, chain, address, source }: Remote,
): Promise<void> {
  const columns = await workspace.workspace.ports.executor.describe(table)
  const list = columns.map(({ name }) => quoteIdentifier(name)).join(', ')
  await runWrite(workspace.connected.target, {
    query: `INSERT INTO {bench_database:Identifier}.{bench_table:Identifier} (${list})
      SELECT ${list} FROM remote({bench_address:String}, view(\n${table.transform.text}\n), {bench_user:String}, {bench_password:String})`,
    query_id: `bench-remote-${table.key}-${Math.random()}`,
    doing: `inserting ${table.key} by remote()`,
    query_params: {
      ...transformParams({
        table,
        range: rangeOf(chain),
        network: workspace.workspace.network,
        source: { database: chain.source },
        target: { database: workspace.target },
      }),
      bench_database: workspace.target,
      bench_table: table.target,
      bench_address: address,
      bench_user: source.username,
      bench_password: source.password,
    },
    clickhouse_settings: writeSettings(workspace.connected.target),
    progress: true,
  })
}
