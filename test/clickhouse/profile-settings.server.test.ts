// Owns the promise that a profile may change how fast statements run, and never what they yield.
import { afterAll, beforeAll, expect, test } from 'vitest'
import { CHANGED_SETTINGS } from '../../src/clickhouse/settings-limits.ts'
import { openAgain, openServer } from '../../src/clickhouse/server.ts'
import { launchWithUsers } from '../support/users.ts'

const PROFILE = {
  join_default_strictness: 'ANY',
  count_distinct_implementation: 'uniq',
  do_not_merge_across_partitions_select_final: '1',
  additional_table_filters: "{'a': '1'}",
}

let server: Awaited<ReturnType<typeof launchWithUsers>>
beforeAll(async () => {
  const grants = ['GRANT ALL ON *.*']
  server = await launchWithUsers({
    changed: { grants, profile: PROFILE },
    old: { grants, profile: { compatibility: '22.3' } },
    hiding: {
      grants,
      profile: {
        additional_table_filters:
          "{'system.settings': 'name NOT LIKE \\'additional%\\'', 'system.numbers': 'number != 1'}",
        additional_result_filter: 'number != 2',
      },
    },
    format: { grants, profile: { output_format_csv_crlf_end_of_line: '1' } },
    fast: {
      grants,
      profile: { max_threads: '1', log_comment: 'x', workload: 'y', use_uncompressed_cache: '1' },
    },
    stuck: { grants, profile: { readonly: '1', join_default_strictness: 'ANY' } },
    constant: {
      grants,
      profile: { join_default_strictness: 'ANY' },
      constraints: { join_default_strictness: '<const/>' },
    },
    disallowed: {
      grants,
      profile: { join_default_strictness: 'ANY' },
      constraints: { join_default_strictness: '<disallowed>ALL</disallowed>' },
    },
  })
})
afterAll(() => server?.stop())

const login = (username: string, acceptedSettings?: readonly string[]) => ({
  side: 'target' as const,
  url: server.url,
  username,
  password: 'secret',
  database: 'default',
  ...(acceptedSettings && { acceptedSettings }),
})

const VALUES = `SELECT toString(getSetting('join_default_strictness')) AS strictness,
  toUInt8(getSetting('do_not_merge_across_partitions_select_final')) AS merges,
  toUInt8(getSetting('least_greatest_legacy_null_behavior')) AS legacy`
const DEFAULTS = { strictness: 'ALL', merges: 0, legacy: 0 }

test.each(['changed', 'old'])(
  'what the profile of the user %s changes is sent back to its default with every statement',
  async (username) => {
    const opened = await openServer(login(username))
    const again = openAgain(opened)
    for (const { client } of [opened, again]) expect(await client.rows({ query: VALUES })).toEqual([DEFAULTS])
    await Promise.all([opened.close(), again.close()])
  },
)

test('filters of a profile that hide themselves from system.settings take no rows away', async () => {
  const opened = await openServer(login('hiding'))
  const numbers = await opened.client.rows({
    query: 'SELECT toUInt32(number) AS n FROM system.numbers LIMIT 4',
  })
  expect(numbers).toEqual([{ n: 0 }, { n: 1 }, { n: 2 }, { n: 3 }])
  await opened.close()
})

test('the text of formatRow() is the same whatever formats a profile has chosen', async () => {
  const opened = await openServer(login('format'))
  const query = "SELECT hex(formatRow('CSV', 1)) AS text"
  expect(await opened.client.rows({ query })).toEqual([{ text: '310A' }])
  await opened.close()
})

test('what a profile changes without changing rows stays as it is', async () => {
  const opened = await openServer(login('fast'))
  expect(opened.defaults).toEqual({})
  await opened.close()
})

test.each(['stuck', 'constant', 'disallowed'])(
  'a setting that the user %s may not set is refused by name, and --accept-setting takes it',
  async (username) => {
    await expect(openServer(login(username))).rejects.toMatchObject({
      kind: 'server',
      message: expect.stringContaining("join_default_strictness = 'ANY'"),
      hint: expect.stringContaining('--accept-setting join_default_strictness'),
    })
    await (await openServer(login(username, ['join_default_strictness']))).close()
  },
)

test('settings that somebody has invented, for row policies, keep the value of the profile', async () => {
  const opened = await openServer(login('fast'))
  const [row] = await opened.client.rows({
    query: `SELECT ${CHANGED_SETTINGS} AS changed FROM values(
      'name String, value String, default String, readonly UInt8, changed UInt8, alias_for String, is_obsolete UInt8, type String',
      ('SQL_tenant', '7', '', 0, 1, '', 0, 'Custom'), ('final', '1', '0', 0, 1, '', 0, 'Bool'))`,
  })
  expect(row).toEqual({ changed: [['final', '1', '0', '0']] })
  await opened.close()
})
