// Owns the comparison of tables with their own statements, run once by hand over all that they should hold.
import { readTableStatuses } from '../../src/planning/table-status.ts'
import type { Catalogue } from '../../src/model/model.ts'
import { post, rowsOf, type TestServer, uniqueDatabase } from '../support/server.ts'
import type { openTestWorkspace } from '../support/workspace.ts'

/** Columns that are not the same twice. */
const VOLATILE = ['updated_date_time', 'id', 'made_at']

type Ranges = ReadonlyMap<string, { readonly from: number; readonly to: number }>

/** Tables of `target` that differ from their statement over `expected`, with the rows that it makes, those that are missing, and those too many. */
export async function unlikeByHand(
  server: Pick<TestServer, 'url' | 'username' | 'password'>,
  { tables }: Pick<Catalogue, 'tables'>,
  { source, target: database, expected }: { source: string; target: string; expected: Ranges },
): Promise<readonly string[]> {
  const hand = uniqueDatabase('hand')
  await post(server, 'CREATE DATABASE {hand:Identifier}', { hand })
  const unlike: string[] = []
  for (const { key, target, ddl, transform } of tables) {
    const { from, to } = expected.get(key)!
    await post(server, ddl.text, { target: hand })
    const params = { network: 'mainnet', source, target: hand, from, to, from_block: from, to_block: to }
    const columns = await rowsOf<{ name: string }>(server, `DESCRIBE TABLE (${transform.text})`, params)
    const names = columns.map(({ name }) => `\`${name}\``).join(', ')
    await post(
      server,
      `INSERT INTO {target:Identifier}.${target} (${names}) SELECT ${names} FROM (${transform.text})
        SETTINGS max_partitions_per_insert_block = 1000`,
      params,
    )
    const found = await rowsOf<{ name: string }>(server, `DESCRIBE TABLE ${hand}.${target}`)
    const steady = found.map(({ name }) => name).filter((name) => !VOLATILE.includes(name))
    const all = (name: string) =>
      `SELECT ${steady.map((column) => `\`${column}\``).join(', ')} FROM ${name}.${target} FINAL`
    const [count] = await rowsOf<{ made: number; missing: number; extra: number }>(
      server,
      `SELECT (SELECT count() FROM (${all(hand)})) AS made,
        (SELECT count() FROM (${all(hand)} EXCEPT ALL ${all(database)})) AS missing,
        (SELECT count() FROM (${all(database)} EXCEPT ALL ${all(hand)})) AS extra`,
    )
    if (count!.made === 0 || count!.missing + count!.extra > 0) unlike.push(`${key} ${JSON.stringify(count)}`)
  }
  await post(server, 'DROP DATABASE {hand:Identifier} SYNC', { hand })
  return unlike
}

/** What the tables should hold, and what is missing or stale of it. */
export async function expectedRanges({ workspace }: Awaited<ReturnType<typeof openTestWorkspace>>) {
  const statuses = await readTableStatuses(workspace, { lag: 0 })
  return {
    ranges: new Map([...statuses].map(([key, { bounds }]) => [key, bounds.expected!])),
    open: [...statuses].flatMap(([key, { missing, stale }]) =>
      missing.length + stale.length === 0 ? [] : [`${key} ${JSON.stringify({ missing, stale })}`],
    ),
  }
}
