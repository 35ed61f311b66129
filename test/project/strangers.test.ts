// Owns the promise that the SQL folder of a stranger leads nowhere: nothing outside of it is read, and nothing without end.
import {
  cpSync,
  linkSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { execFileSync } from 'node:child_process'
import { dirname, join } from 'node:path'
import { expect, test } from 'vitest'
import { readSoundTests } from '../../src/commands/test/test-case.ts'
import { type BackfillError, refuse } from '../../src/model/errors.ts'
import { writeNewFiles } from '../../src/project/written-files.ts'
import { readCatalogue } from '../../src/project/sql-folder.ts'
import { repository, temporaryDirectory } from '../support/processes.ts'

function folder(): { readonly sql: string; readonly outside: string } {
  const place = temporaryDirectory()
  const sql = join(place, 'sql')
  cpSync(join(repository, 'test/fixtures/checks/sound'), sql, { recursive: true })
  writeFileSync(join(place, 'secret'), 'hunter2')
  return { sql, outside: join(place, 'secret') }
}

const refused = async (sql: string) =>
  await readCatalogue(sql).then(
    () => 'read',
    (error: Error) => error.message,
  )

test('bytes that are not UTF-8 are refused with file and line: other rows could be meant', async () => {
  const bad: readonly [file: string, bytes: Buffer, message: RegExp][] = [
    [
      'transforms/gas.sql',
      Buffer.from("--! description: a\n\nSELECT '\xe9'", 'latin1'),
      /gas\.sql is not text in UTF-8: see its line 3/,
    ],
    ['ddl/gas.sql', Buffer.from('\ufeffCREATE TABLE', 'utf16le'), /gas\.sql is in UTF-16/],
    ['source/x.sql', Buffer.from([0xfe, 0xff, 0, 65]), /x\.sql is in UTF-16/],
    [
      'networks.json',
      Buffer.from('{"\xff": {}}', 'latin1'),
      /networks\.json is not text in UTF-8: see its line 1/,
    ],
  ]
  for (const [file, bytes, message] of bad) {
    const { sql } = folder()
    writeFileSync(join(sql, file), bytes)
    expect.soft(await refused(sql)).toMatch(message)
  }
  const { sql } = folder()
  const catalogue = await readCatalogue(sql)
  writeFileSync(join(sql, 'tests/gas/latin.yaml'), Buffer.from('description: \xe9', 'latin1'))
  await expect(
    readSoundTests([sql], { catalogue, chosen: catalogue.tables, known: ['gas'] }, refuse),
  ).rejects.toThrow(/latin\.yaml is not text in UTF-8: see its line 1/)
})

test.runIf(process.platform === 'linux')('a file whose name is not UTF-8 is said to be that', async () => {
  const { sql } = folder()
  writeFileSync(
    Buffer.concat([Buffer.from(join(sql, 'transforms/')), Buffer.from('a\xff.sql', 'latin1')]),
    '',
  )
  expect(await refused(sql)).toMatch(/its name is not text in UTF-8/)
})

test('links out of the folder are refused, and nothing of their ends is shown', async () => {
  for (const file of ['networks.json', 'transforms/gas.sql', 'source/x.sql', 'ddl/gas.sql']) {
    const { sql, outside } = folder()
    rmSync(join(sql, file), { force: true })
    symlinkSync(outside, join(sql, file))
    const said = await refused(sql)
    expect(said).toContain('is a link that leads out of the SQL folder')
    expect(said).not.toContain('hunter2')
  }
})

test('a folder that is a link out of it is refused', async () => {
  const { sql } = folder()
  renameSync(join(sql, 'ddl'), join(sql, '..', 'ddl'))
  symlinkSync(join(sql, '..', 'ddl'), join(sql, 'ddl'))
  expect(await refused(sql)).toContain('leads out of the SQL folder')
})

test('tests that are a link out of the folder are refused, and no name behind the link is shown', async () => {
  const { sql, outside } = folder()
  rmSync(join(sql, 'tests'), { recursive: true, force: true })
  symlinkSync(dirname(outside), join(sql, 'tests'))
  const catalogue = await readCatalogue(sql)
  const reported: BackfillError[] = []
  const tests = readSoundTests([sql], { catalogue, chosen: catalogue.tables, known: [] }, (error) => {
    reported.push(error)
  })
  await expect(tests).rejects.toThrow('is a link that leads out of the SQL folder')
  expect(reported).toEqual([])
})

test('links within the folder are followed, as Kubernetes makes them', async () => {
  const { sql } = folder()
  mkdirSync(join(sql, '..data'))
  renameSync(join(sql, 'networks.json'), join(sql, '..data/networks.json'))
  symlinkSync('..data/networks.json', join(sql, 'networks.json'))
  linkSync(join(sql, '..data/networks.json'), join(sql, 'same.json'))
  expect((await readCatalogue(sql)).networks.length).toBeGreaterThan(0)
})

test('pipes and huge files are refused, and nobody waits for them', async () => {
  const { sql } = folder()
  execFileSync('mkfifo', [join(sql, 'transforms/z.sql')])
  expect(await refused(sql)).toContain('z.sql is not a regular file')
  rmSync(join(sql, 'transforms/z.sql'))
  writeFileSync(join(sql, 'transforms/z.sql'), '')
  truncateSync(join(sql, 'transforms/z.sql'), 17 * 1024 * 1024)
  expect(await refused(sql)).toContain('more than 16777216')
})

test('no new file is written through a link out of the folder', async () => {
  const { sql, outside } = folder()
  rmSync(join(sql, 'tests'), { recursive: true, force: true })
  symlinkSync(dirname(outside), join(sql, 'tests'))
  const before = readdirSync(dirname(outside), { recursive: true })
  const write = (path: string) => writeNewFiles(sql, new Map([[join(sql, path), '']]))
  await expect(write('tests/gas/range.yaml')).rejects.toThrow('leads out of the SQL folder')
  expect(readdirSync(dirname(outside), { recursive: true })).toEqual(before)
  await expect(write('import/new/gas.sql')).resolves.toHaveLength(1)
})
