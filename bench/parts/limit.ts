// Owns part c: how far each transform is from the least that it must do: read its columns, insert its rows.
import { post, rowsOf } from '../../test/support/server.ts'
import { backfill, newPlace, type Place } from '../support/backfill.ts'
import { NETWORK } from '../support/chain.ts'
import { alternate, median, timed } from '../support/measure.ts'
import type { Bench, Report } from '../support/report.ts'
import { send, type Server } from '../support/server.ts'
import { dropPlace, type Logged, moved, statementsOf } from '../support/statements.ts'
import { derivedTables, kinships, withTargets } from '../support/targets.ts'

export async function limit({ server, chain, runs }: Bench): Promise<Report> {
  const place = newPlace(chain.source)
  // Each table by itself: two that share a step do not have one statement each.
  const partner = await kinships()
  for (const tables of [partner.map(([one]) => one), partner.flatMap(([, ...others]) => others)]) {
    const words = ['up', '--jobs', '1', '--chunk', String(chain.blocks), '--tables', tables.join()]
    await backfill({ on: server, place, words })
  }
  const rows = await withTargets(server, async (target) => {
    const measured = []
    for (const statement of await statementsOf(server, place.target))
      measured.push(await distance({ server, place, target, runs, statement }))
    return measured
  })
  await dropPlace(server, place)
  return {
    title: `Each transform, one chunk, against a scan of its columns (without FINAL) and an insert of its rows, seconds, medians of ${runs}`,
    columns: [
      'table',
      'rows read',
      'rows written',
      'peak MB',
      'statement',
      'scan',
      'insert',
      'statement / (scan + insert)',
    ],
    rows,
  }
}

type Job = {
  readonly server: Server
  readonly place: Place
  /** A database with the derived tables, empty before and after. */
  readonly target: string
  readonly runs: number
  readonly statement: Logged
}

async function distance({ server, place, target, runs, statement }: Job) {
  const { table: key, query, settings, readRows, writtenRows, peakBytes } = statement
  const table = (await derivedTables()).find((one) => one.key === key)!.target
  const scans = await scansOf(server, place, statement)
  await post(
    server,
    `CREATE TABLE ${target}.output ENGINE = MergeTree ORDER BY tuple() AS SELECT * FROM ${place.target}.${table}`,
  )
  const emptied = async (work: () => Promise<unknown>) => {
    const ms = await timed(work)
    await post(server, `TRUNCATE TABLE ${target}.${table} SYNC`)
    return ms
  }
  const times = await alternate(runs, {
    [`${key} statement`]: () =>
      emptied(() => send(server, insertOnly(query, place, { target, table }), settings)),
    [`${key} scan`]: () =>
      timed(async () => {
        for (const scan of scans) await send(server, scan, {})
      }),
    [`${key} insert`]: () =>
      emptied(() => post(server, `INSERT INTO ${target}.${table} SELECT * FROM ${target}.output`)),
  })
  await post(server, `DROP TABLE ${target}.output SYNC`)
  const [whole, scan, insert] = ['statement', 'scan', 'insert'].map(
    (work) => median(times[`${key} ${work}`]!) / 1000,
  ) as [number, number, number]
  return [
    key,
    readRows,
    writtenRows,
    Math.round(peakBytes / 1e6),
    whole,
    scan,
    insert,
    whole / (scan + insert),
  ]
}

/** The statement into another table: what it reads of derived tables stays where the run has filled it. */
function insertOnly(
  query: string,
  place: Place,
  { target, table }: { readonly target: string; readonly table: string },
): string {
  const into = `INSERT INTO ${place.target}.${table}`
  if (!query.startsWith(into)) throw new Error(`not an INSERT into ${table}`)
  return moved(into, place.target, target) + query.slice(into.length)
}

/** One SELECT per table that the statement read: the same columns over the same blocks. */
async function scansOf(
  server: Server,
  { source, target, ledger }: Place,
  { table, columns }: Logged,
): Promise<readonly string[]> {
  const [range] = await rowsOf<{ from: number; to: number }>(
    server,
    `SELECT min(range_from) AS from, max(range_to) AS to FROM {ledger:Identifier}.ledger
     WHERE table_key = {table:String} AND event = 'done'`,
    { ledger, table },
  )
  const read = Map.groupBy(
    columns
      .map((column) => column.split('.') as [string, string, string])
      .filter(([db]) => db === source || db === target),
    ([database, name]) => `${database}.${name}`,
  )
  return [...read].map(([from, parts]) => {
    const names = parts.map(([, , name]) => name)
    const network = names.includes('meta_network_name') ? `meta_network_name = '${NETWORK}' AND ` : ''
    return `SELECT ${names.join(', ')} FROM ${from} WHERE ${network}block_number BETWEEN ${range!.from} AND ${range!.to} FORMAT Null`
  })
}
