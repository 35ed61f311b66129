// Owns the promises of `doctor` about SQL files of one's own: they are asked beside the program's, and a wrong one is told.
import { cpSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { environmentFor } from '../../support/cli.ts'
import { doctor } from '../../support/doctor.ts'
import { temporaryDirectory } from '../../support/processes.ts'
import { startTestServer, type TestServer, uniqueDatabase } from '../../support/server.ts'
import { startWithUsers } from '../../support/users.ts'
import { SQL_FOLDER } from '../../support/workspace.ts'

let server: TestServer
beforeAll(async () => {
  server = await startTestServer()
})
afterAll(() => server?.stop())

const DATABASES = {
  source: uniqueDatabase('source'),
  target: uniqueDatabase('target'),
  ledger: uniqueDatabase('ledger'),
}
const HEADER = '--! group: Ours\n--! server: target\n--! ok: all is quiet\n'

/** An SQL folder like the program's, with these files instead of its sql/doctor/. */
function folderWith(files: Readonly<Record<string, string>>): readonly string[] {
  const folder = temporaryDirectory()
  cpSync(SQL_FOLDER, folder, {
    recursive: true,
    filter: (path) => !path.startsWith(join(SQL_FOLDER, 'doctor')),
  })
  mkdirSync(join(folder, 'doctor'))
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, 'doctor', name), text)
  return ['--sql', folder]
}

const examined = (files: Readonly<Record<string, string>>) =>
  doctor(environmentFor(server, DATABASES), folderWith(files))

test('a file of a DBA is asked beside those of the program, its rows are findings, and its failure is exit 1', async () => {
  const { code, of, unwell } = await examined({
    'backups.sql': `${HEADER}-- Is there a backup?
      SELECT 'fail' AS status, {target:String} AS subject, 'no backup' AS finding, 'BACKUP DATABASE x' AS hint;`,
    'quiet.sql': `${HEADER}SELECT 'fail' AS status, '' AS subject, '' AS finding, '' AS hint WHERE 0`,
  })
  expect(unwell).toEqual([`fail backups ${DATABASES.target}`])
  expect(of('backups')).toEqual([
    {
      check: 'backups',
      group: 'Ours',
      status: 'fail',
      subject: DATABASES.target,
      finding: 'no backup',
      hint: 'BACKUP DATABASE x',
    },
  ])
  expect(of('quiet')).toMatchObject([
    { status: 'ok', subject: 'server', finding: 'all is quiet', hint: null },
  ])
  expect(of('disk')).toHaveLength(1)
  expect(code).toBe(1)
})

test('a file of a DBA takes the place of the program file of the same name', async () => {
  const { of } = await examined({
    'disk.sql': `${HEADER}SELECT 'warn' AS status, 'ours' AS subject, 'x' AS finding, 'y' AS hint`,
  })
  expect(of('disk').map(({ subject }) => subject)).toEqual(['ours'])
})

test('a file that is not as documented fails with file and line, and everything else is asked', async () => {
  const { code, of, said } = await examined({
    'key.sql': `--! severity: high\n${HEADER}SELECT 1`,
    'place.sql': `${HEADER.replace('target', 'everywhere')}SELECT 1`,
    'two.sql': `${HEADER}SELECT 1;\nSELECT 2`,
    'columns.sql': `${HEADER}SELECT 'ok' AS status, 'x' AS finding`,
    'status.sql': `${HEADER}SELECT 'bad' AS status, '' AS subject, 'x' AS finding, '' AS hint`,
    'writes.sql': `${HEADER}INSERT INTO x VALUES (1)`,
  })
  expect(code).toBe(1)
  expect(said('sql-files')).toMatch(/key\.sql:1: unknown key 'severity'/)
  expect(said('sql-files')).toMatch(
    /place\.sql:2: server: 'everywhere' is not a server; write one of source, target,/,
  )
  expect(said('sql-files')).toMatch(/two\.sql:5: a second statement begins here/)
  expect(said('columns')).toMatch(
    /columns\.sql returns status, finding .*; Return status, subject, finding, hint/,
  )
  expect(said('status')).toMatch(
    /status\.sql returns .* with status 'bad'; .*status is one of ok, warn, fail/,
  )
  expect(said('writes')).toMatch(/^not known: .*Syntax error/)
  expect(of('disk')[0]?.status).toBe('ok')
})

test('what a user may not see, or a server does not have, is a warning that hides nothing else', async () => {
  const limited = await startWithUsers({ nobody: { grants: [] } })
  const env = {
    ...environmentFor(limited, DATABASES),
    TARGET_CLICKHOUSE_USERNAME: 'nobody',
    TARGET_CLICKHOUSE_PASSWORD: 'secret',
  }
  const { code, of, said } = await doctor(
    env,
    folderWith({
      'absent.sql': `${HEADER}SELECT status, subject, finding, hint FROM system.no_such_table`,
    }),
  )
  expect(said('disk')).toMatch(/^not known: .*; GRANT SELECT.* ON system\.\w+ TO nobody$/)
  expect(said('absent')).toMatch(/^not known: .*no_such_table.*; Ask again/)
  expect(of('disk')[0]?.status).toBe('warn')
  expect(of('version')[0]?.status).toBe('ok')
  expect(code).toBe(0)
})
