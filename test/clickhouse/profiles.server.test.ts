// Owns the promise that what a user's profile says takes no row away and changes none: with a limit that is too low a
// chunk fails, it is never done with rows missing.
import { afterAll, beforeAll, expect, test } from 'vitest'
import { readCatalogue } from '../../src/project/sql-folder.ts'
import type { RunSummary } from '../../src/runner/events.ts'
import { blocksWhere, edited, ROW_BY_ROW } from '../support/edited.ts'
import { rowsOf, uniqueDatabase } from '../support/server.ts'
import { addBlocks, createSourceTables } from '../support/small-chain.ts'
import { launchWithUsers, type Login } from '../support/users.ts'
import { differences, openTestWorkspace, SQL_FOLDER, type TestWorkspace } from '../support/workspace.ts'

const TABLE = 'block_slots_stat'
const ALL = Array.from({ length: 12 }, (_, index) => index + 1)

/** Reads, sorts, groups, joins, keeps in a set and makes distinct a thousand rows, and yields all blocks. */
const THOUSAND = blocksWhere(`block_number IN (
  SELECT number FROM (
    SELECT DISTINCT left.number AS number
    FROM (SELECT number FROM numbers(1000) ORDER BY cityHash64(number) LIMIT 1000) AS left
    JOIN (SELECT number FROM numbers(1000) GROUP BY number) AS right ON left.number = right.number
  ))`)

/** Each lets a statement end early, with success, at a limit that only THOUSAND reaches. */
const CUTTING: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  reads: { max_rows_to_read: '900', read_overflow_mode: 'break' },
  reads_as_leaf: { max_rows_to_read_leaf: '900', read_overflow_mode_leaf: 'break' },
  groups: { max_rows_to_group_by: '900', group_by_overflow_mode: 'break' },
  sorts: { max_rows_to_sort: '900', sort_overflow_mode: 'break' },
  joins: { max_rows_in_join: '900', join_overflow_mode: 'break' },
  keeps_in_a_set: { max_rows_in_set: '900', set_overflow_mode: 'break' },
  makes_distinct: { max_rows_in_distinct: '900', distinct_overflow_mode: 'break' },
}

const OTHER_PROFILES = {
  limited: { limit: '5', offset: '2' },
  speaks_prql: { dialect: 'prql' },
  in_transactions: { implicit_transaction: '1' },
  keeps_answers: { use_query_cache: '1', query_cache_min_query_duration: '0' },
  short_statements: { max_query_size: '1000' },
  gives_up: { timeout_overflow_mode: 'break' },
  hurries: { max_execution_time: '1', timeout_overflow_mode: 'break' },
  short_answers: { max_result_rows: '5', result_overflow_mode: 'break' },
  other_meanings: {
    aggregate_functions_null_for_empty: '1',
    enable_global_with_statement: '0',
    output_format_json_quote_64bit_integers: '1',
    join_use_nulls: '1',
    transform_null_in: '1',
    bool_true_representation: 'yes',
    bool_false_representation: 'no',
  },
}

/** A server with a chain, and a user for every profile. */
async function start() {
  const profiles = Object.entries({ ...CUTTING, ...OTHER_PROFILES })
  const grants = ['GRANT ALL ON *.*']
  const server = await launchWithUsers(
    Object.fromEntries(profiles.map(([name, profile]) => [name, { grants, profile }])),
  )
  const files = await readCatalogue(SQL_FOLDER)
  const source = uniqueDatabase('source')
  await createSourceTables(server, files, source)
  await addBlocks(server, source, { from: 1, to: 12 })
  return { server, files, source, as: (username: string) => ({ ...server, username, password: 'secret' }) }
}

let ground: Awaited<ReturnType<typeof start>>
beforeAll(async () => {
  ground = await start()
})
afterAll(() => ground?.server.stop())

const blocksOf = async (server: Login, target: string) =>
  (
    await rowsOf<{ block_number: number }>(
      server,
      'SELECT block_number FROM {target:Identifier}.int_block_slots_stat FINAL ORDER BY block_number',
      { target },
    )
  ).map((row) => row.block_number)

const extents = ({ workspace }: TestWorkspace) => workspace.ports.source.extents(workspace.chosen[0]!.sources)

const words = ({ failed }: RunSummary): string => failed.map(({ error }) => error.message).join('\n')

test('a profile that cuts off what is too much makes the chunk fail, whatever it counts: no range is done with rows missing', async () => {
  const { server, files, source, as } = ground
  const catalogue = edited(files, TABLE, { sql: THOUSAND })
  for (const name of Object.keys(CUTTING)) {
    const workspace = await openTestWorkspace({ server: as(name), source, tables: [TABLE], catalogue })
    expect(words(await workspace.up()), name).toMatch(
      /while inserting blocks 1-12 of .* \(code (158|191|396)\)$/,
    )
    const story = await rowsOf(server, 'SELECT event FROM {ledger:Identifier}.ledger ORDER BY epoch, seq', {
      ledger: workspace.ledger,
    })
    expect(story, name).toEqual([{ event: 'started' }, { event: 'failed' }])
    await workspace.close()
  }
})

/** A fifth of a second a block, one block after the other. */
const SLOW = `SELECT toUInt32(number) AS block_number, toUInt32(0) AS slots_cleared, toUInt32(1) AS slots_set
  FROM numbers({from_block:UInt64}, {to_block:UInt64} - {from_block:UInt64} + 1) WHERE sleepEachRow(0.2) = 0`

test('a profile that lets statements end when their time is over cannot cut a chunk off: it is split until its parts are fast enough', async () => {
  const { server, files, source, as } = ground
  // A header may not set the limit; what is proven is what becomes of a chunk that reaches it.
  const settings = { ...ROW_BY_ROW, max_execution_time: '2' }
  const catalogue = edited(files, TABLE, { sql: SLOW, settings })
  const workspace = await openTestWorkspace({ server: as('gives_up'), source, tables: [TABLE], catalogue })
  expect(words(await workspace.up())).toBe('')
  expect(await blocksOf(server, workspace.target)).toEqual(ALL)
  expect(workspace.events.find(({ type }) => type === 'chunk-failed')).toMatchObject({ error: { code: 159 } })
  await workspace.close()
})

test('a profile with a short time limit does not stop a chunk: the limit is our own', async () => {
  const { server, files, source, as } = ground
  const catalogue = edited(files, TABLE, { sql: SLOW, settings: ROW_BY_ROW })
  const workspace = await openTestWorkspace({ server: as('hurries'), source, tables: [TABLE], catalogue })
  expect(words(await workspace.up())).toBe('')
  expect(await blocksOf(server, workspace.target)).toEqual(ALL)
  expect(workspace.events.filter(({ type }) => type === 'chunk-failed')).toEqual([])
  await workspace.close()
})

test('a profile that shortens answers does not shorten what streams from one server to another', async () => {
  const [from, to] = [ground, await start()]
  const workspace = await openTestWorkspace({
    server: to.server,
    sourceServer: from.as('short_answers'),
    source: from.source,
    tables: [TABLE],
  })
  expect(words(await workspace.up())).toBe('')
  expect(await blocksOf(to.server, workspace.target)).toEqual(ALL)
  await workspace.close()
  await to.server.stop()
})

test.each([
  ['with a limit and an offset', 'limited'],
  ['with another language', 'speaks_prql'],
  ['with transactions, which this server has not,', 'in_transactions'],
  ['that keeps answers for the next one who asks', 'keeps_answers'],
])('a profile %s takes no row away', async (_, user) => {
  const { server, source, as } = ground
  const workspace = await openTestWorkspace({ server: as(user), source, tables: [TABLE] })
  expect(words(await workspace.up())).toBe('')
  expect(await blocksOf(server, workspace.target)).toEqual(ALL)
  await workspace.close()
})

test('a profile that is too small for our statements is named with the setting', async () => {
  const { source, as } = ground
  const opening = openTestWorkspace({ server: as('short_statements'), source, tables: [TABLE] })
  await expect(opening).rejects.toMatchObject({
    hint: expect.stringContaining("max_query_size, in the profile of user 'short_statements'"),
  })
})

/** Yields all blocks, and fewer where an outer join yields NULL for what is absent, or where NULL is in a set of NULL. */
const OUTER = blocksWhere(`NOT ifNull(NULL IN (NULL), false) AND block_number IN (
  SELECT left.number FROM numbers(20) AS left LEFT JOIN numbers(5) AS right ON left.number = right.number
  WHERE isNotNull(right.number))`)

test('a profile that gives SQL another meaning changes no row of any table', async () => {
  const { server, files, source, as } = ground
  const catalogue = edited(files, TABLE, { sql: OUTER })
  const plain = await openTestWorkspace({ server, source, catalogue })
  const other = await openTestWorkspace({ server: as('other_meanings'), source, catalogue })
  expect(words(await plain.up())).toBe('')
  expect(words(await other.up({ chunk: 5 }))).toBe('')
  expect(await blocksOf(server, other.target)).toEqual(ALL)
  expect(await extents(other)).toEqual(await extents(plain))
  const databases = { actual: other.target, expected: plain.target }
  const tables = files.tables.map(({ target }) => target)
  expect(await differences(server, tables, databases)).toEqual([])
  await Promise.all([plain.close(), other.close()])
})
