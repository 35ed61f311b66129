// Owns the promise that every rule of `check` finds what it is for: each breaks one fixture and has its lines in docs/reference/checks.md.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { readCatalogue } from '../../../src/project/sql-folder.ts'
import { RULES } from '../../../src/model/rules.ts'
import {
  CHECK_FIXTURES,
  type CheckFixture,
  findingsIn,
  folderOf,
  isOffline,
} from '../../support/check-fixtures.ts'
import { environmentFor } from '../../support/cli.ts'
import { backfillInside } from '../../support/inside.ts'
import { repository } from '../../support/processes.ts'
import { post, startTestServer, type TestServer, uniqueDatabase } from '../../support/server.ts'
import { createSourceTables } from '../../support/small-chain.ts'
import { type Login, startWithUsers } from '../../support/users.ts'

let server: TestServer
beforeAll(async () => {
  server = await startTestServer()
})
afterAll(() => server?.stop())

const of = (rule: string) => CHECK_FIXTURES.find((fixture) => fixture.rule === rule)!
const [offline, online] = [CHECK_FIXTURES.filter(isOffline), CHECK_FIXTURES.filter((one) => !isOffline(one))]

test('each rule has a fixture that breaks it and a section of docs/reference/checks.md, and there are no others', () => {
  const page = readFileSync(join(repository, 'docs/reference/checks.md'), 'utf8')
  const sections = [...page.matchAll(/^### (\w+) ([\w-]+)$/gm)].map(([, rule, name]) => [rule, name])
  expect(sections).toEqual(Object.entries(RULES))
  expect(CHECK_FIXTURES.map(({ rule }) => rule)).toEqual(Object.keys(RULES).toSorted())
  for (const { rule, finds } of CHECK_FIXTURES) {
    const [own] = finds.split('\n').filter((line) => line.includes(`: ${rule} `))
    expect(own, rule).toBeDefined()
    expect(page, `the example of ${rule} is what its fixture says`).toContain(`    ${own}\n`)
  }
})

test('a sound folder is clean, with and without a server, and one line says what was checked', async () => {
  const folder = folderOf()
  const alone = await backfillInside(['check', '--offline', '--sql', folder])
  expect(alone).toEqual({
    code: 0,
    stdout: 'Checked 2 tables and 1 unit test without a server: no errors\n',
    stderr: 'Offline: no server is asked.\n',
  })
  const env = await sceneFor({}, server)
  const asked = await backfillInside(['check', '--sql', folder], env)
  expect(asked.code).toBe(0)
  expect(asked.stdout).toMatch(
    /^Checked 2 tables and 1 unit test against target_\w+ at http:\S+: no errors\n$/,
  )
  expect(asked.stderr).toMatch(/^Asking ClickHouse .* Nothing is written\.\n$/)
})

test.for(offline)('$rule is found in the files alone', async (fixture) => {
  await expectFindings(fixture, ['--offline'], {})
})

test.for(online.filter((one) => one.with === undefined))('$rule is found with a server', async (fixture) => {
  await expectFindings(fixture, [], await sceneFor(fixture, server))
})

test('rights that a user lacks are found with the GRANT to run, and inputs that are on two servers', async () => {
  const grants = ['GRANT SELECT ON system.tables', 'GRANT SELECT ON system.columns']
  const sees = {
    database: uniqueDatabase('source'),
    table: 'canonical_execution_transaction',
    filter: 'block_number = 5',
  }
  const limited = await startWithUsers({
    reader: { grants },
    looker: { grants: ['GRANT SELECT ON *.*'] },
    half: { grants: ['GRANT ALL ON *.*'], sees },
  })
  const fixture = of('E080')
  const env = await sceneFor(fixture, limited)
  const login = { TARGET_CLICKHOUSE_USERNAME: 'reader', TARGET_CLICKHOUSE_PASSWORD: 'secret' }
  await expectFindings(fixture, [], { ...env, ...login })

  // A row policy is of no grant: who may see policies is told of those that hold for him.
  const half = { TARGET_CLICKHOUSE_USERNAME: 'half', TARGET_CLICKHOUSE_PASSWORD: 'secret' }
  const hiding = { ...(await sceneFor(of('W069'), limited, sees.database)), ...half }
  await expectFindings(of('W069'), [], hiding)
  const sql = ['--sql', folderOf(), '--tables', 'gas']
  const policy = /the row policy half shows user 'half' of the source server only .* block_number = 5/
  expect((await backfillInside(['up', ...sql], hiding)).stderr).toMatch(policy)
  expect((await backfillInside(['doctor', '--idle', '1', ...sql], hiding)).stdout).toMatch(policy)

  // One that may make no temporary table.
  const looker = { TARGET_CLICKHOUSE_USERNAME: 'looker', TARGET_CLICKHOUSE_PASSWORD: 'secret' }
  await expectFindings(of('W079'), [], { ...(await sceneFor(of('W079'), limited)), ...looker })

  const [here, there] = [await sceneFor(of('E066'), server), await sceneFor(of('E066'), limited)]
  const source = {
    SOURCE_CLICKHOUSE_URL: limited.url,
    SOURCE_CLICKHOUSE_USERNAME: limited.username,
    SOURCE_CLICKHOUSE_PASSWORD: limited.password,
    SOURCE_CLICKHOUSE_DATABASE: there['SOURCE_CLICKHOUSE_DATABASE']!,
  }
  await expectFindings(of('E066'), [], { ...here, ...source })
})

async function expectFindings(
  fixture: CheckFixture,
  flags: readonly string[],
  env: Readonly<Record<string, string>>,
): Promise<void> {
  const folder = folderOf(fixture)
  const { code, stdout, stderr } = await backfillInside(
    ['check', '--sql', folder, ...flags, ...(fixture.flags ?? [])],
    env,
  )
  const hide = (text: string) =>
    text
      .replaceAll(env['SOURCE_CLICKHOUSE_DATABASE'] ?? 'no source', 'default')
      .replaceAll(env['TARGET_CLICKHOUSE_DATABASE'] ?? 'no target', 'mainnet')
      .replaceAll(env['BACKFILL_LEDGER_DATABASE'] ?? 'no ledger', 'backfill')
      .replaceAll(/http:[^\s),]+/g, 'http://…')
      .replaceAll(` --sql ${folder}`, '')
  const found = hide(findingsIn(stdout, folder))
  expect(found, stderr).toBe(fixture.finds.trimEnd())
  expect(found).toContain(`: ${fixture.rule} ${RULES[fixture.rule as keyof typeof RULES]}: `)
  expect(code).toBe(/: E\d/.test(found) ? 2 : 0)
}

/** The environment of a person with databases of his own on the server, made as the fixture wants them. */
async function sceneFor(
  { tables = false, server: statement }: Partial<CheckFixture>,
  at: Login,
  source = uniqueDatabase('source'),
): Promise<Record<string, string>> {
  const databases = {
    source,
    target: uniqueDatabase('target'),
    ledger: uniqueDatabase('ledger'),
  }
  const sound = await readCatalogue(folderOf())
  await createSourceTables(at, sound, databases.source)
  await post(at, 'CREATE DATABASE {target:Identifier}', databases)
  if (tables) for (const { ddl } of sound.tables) await post(at, ddl.text, databases)
  // A parameter in CREATE VIEW would make a parameterised view.
  const filled = (one: string) => one.replaceAll('{source:Identifier}', databases.source)
  for (const one of statement?.split(';\n') ?? [])
    await post(at, one.startsWith('CREATE VIEW') ? filled(one) : one, databases)
  return environmentFor(at, databases)
}
