// Owns the comparison of a streamed chunk with INSERT … SELECT FROM remote(): one transform, one pair of servers.
import type { Wire } from '../../src/model/wire-names.ts'
import { runWrite, writeSettings } from '../../src/clickhouse/write.ts'
import { transformParams } from '../../src/targets/transform.ts'
import { quoteIdentifier } from '../../src/sql-syntax/quoting.ts'
import type { TableDefinition } from '../../src/model/model.ts'
import { post, rowsOf, uniqueDatabase } from '../../test/support/server.ts'
import { openTestWorld, type TestWorld } from '../../test/support/world.ts'
import { type Chain, NETWORK, rangeOf } from '../support/chain.ts'
import { alternate, median, timed } from '../support/measure.ts'
import type { Report } from '../support/report.ts'
import type { Server } from '../support/server.ts'

type Pair = Readonly<Record<'source' | 'target', Server>>
type Options = {
  readonly chain: Chain
  readonly runs: number
  readonly tables: readonly string[]
  readonly wires: readonly Wire[]
}

export async function streams(pair: Pair, { chain, runs, tables, wires }: Options): Promise<Report> {
  const address = await openNativePort(pair.source)
  const places = { target: uniqueDatabase('bench_target'), ledger: uniqueDatabase('bench_ledger') }
  const open = (wire: Wire) =>
    openTestWorld({
      server: pair.target,
      sourceServer: pair.source,
      source: chain.source,
      ...places,
      network: NETWORK,
      tables,
      wire,
    })
  const worlds = await Promise.all(wires.map(async (wire) => [wire, await open(wire)] as const))
  const [[, world]] = worlds as unknown as readonly [readonly [Wire, TestWorld]]
  try {
    await world.world.ports.target.prepare(world.world.catalogue.ledger)
    const rows: (readonly (string | number)[])[] = []
    const all = { remote: 0 } as Record<'remote' | Wire, number>
    for (const table of world.world.chosen) {
      await world.world.ports.target.create(table)
      const lock = await world.world.ports.locks.acquire(table.key, () => {})
      const into = { target: world.target, table: table.target }
      const emptied = async (work: () => Promise<unknown>): Promise<number> => {
        await post(pair.target, 'TRUNCATE TABLE {target:Identifier}.{table:Identifier} SYNC', into)
        return await timed(work)
      }
      const range = rangeOf(chain)
      let run = 0
      const job = () => ({
        table,
        range,
        lock,
        progress: true,
        queryId: `bench-${table.key}-${process.pid}-${run++}`,
      })
      const works = {
        remote: () => emptied(() => insertRemote(world, { table, chain, address, source: pair.source })),
        ...Object.fromEntries(
          worlds.map(([wire, one]) => [wire, () => emptied(() => one.world.ports.executor.insert(job()))]),
        ),
      } as Record<'remote' | Wire, () => Promise<number>>
      // Caches are warm then for all of them.
      for (const work of Object.values(works)) await work()
      const [count] = await rowsOf<{ rows: number }>(
        pair.target,
        'SELECT count() AS rows FROM {target:Identifier}.{table:Identifier}',
        into,
      )
      const found = await alternate(runs, works)
      const seconds = (name: 'remote' | Wire) => median(found[name]) / 1000
      const ratio = (wire: Wire) => median(found[wire].map((ms, at) => ms / found.remote[at]!))
      for (const name of ['remote', ...wires] as const) all[name] = (all[name] ?? 0) + seconds(name)
      rows.push([
        table.key,
        count!.rows,
        seconds('remote'),
        ...wires.flatMap((wire) => [seconds(wire), ratio(wire)]),
      ])
      await lock.release()
    }
    rows.push(['all', '', all.remote, ...wires.flatMap((wire) => [all[wire], all[wire] / all.remote])])
    return {
      title: `A chunk of ${chain.blocks} blocks from server to server: remote() and the stream, seconds, medians of ${runs} alternating runs; "/ remote": median of the ratios of each round`,
      columns: ['table', 'rows', 'remote()', ...wires.flatMap((wire) => [wire, '/ remote'])],
      rows,
    }
  } finally {
    for (const [, one] of worlds) await one.close()
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
async function insertRemote(world: TestWorld, { table, chain, address, source }: Remote): Promise<void> {
  const columns = await world.world.ports.executor.describe(table)
  const list = columns.map(({ name }) => quoteIdentifier(name)).join(', ')
  await runWrite(world.connected.target, {
    query: `INSERT INTO {bench_database:Identifier}.{bench_table:Identifier} (${list})
      SELECT ${list} FROM remote({bench_address:String}, view(\n${table.transform.text}\n), {bench_user:String}, {bench_password:String})`,
    queryId: `bench-remote-${table.key}-${Math.random()}`,
    params: {
      ...transformParams({
        table,
        range: rangeOf(chain),
        network: world.world.network,
        source: chain.source,
        target: world.target,
      }),
      bench_database: world.target,
      bench_table: table.target,
      bench_address: address,
      bench_user: source.username,
      bench_password: source.password,
    },
    settings: writeSettings(world.connected.target),
    progress: true,
  })
}
