// Owns the promises of `backfill init`: an empty folder becomes a project that works, and nothing that is there is touched.
import { existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { backfill, backfillHere } from '../../support/cli.ts'
import { repository, temporaryDirectory } from '../../support/processes.ts'

const FILES = [
  '.env.example',
  '.github/workflows/backfill.yml',
  '.gitignore',
  '.sqlfluff',
  'README.md',
  'sql/ddl/transactions_per_block.sql',
  'sql/tests/transactions_per_block/range.yaml',
  'sql/transforms/transactions_per_block.sql',
]

const filesIn = (folder: string) =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => join(parentPath, name).slice(folder.length + 1))
    .toSorted()

test('an empty folder gets what a project needs and nothing else, and its table is the one that counts there', async () => {
  const cwd = temporaryDirectory()
  expect(await backfillHere(['init', 'tables'], { cwd })).toMatchObject({
    code: 0,
    stderr: expect.stringContaining('Next: cd tables, then `backfill check --offline`'),
  })
  const folder = join(cwd, 'tables')
  expect(filesIn(folder)).toEqual(FILES)
  const checked = await backfillHere(['check', '--offline'], { cwd: folder })
  expect(checked.stdout).toBe('Checked 1 table and 1 unit test without a server: no errors\n')
  const { stdout } = await backfillHere(['list'], { cwd: folder })
  expect(stdout).toMatch(/^transactions_per_block {2}table int_transactions_per_block$/m)
  expect(stdout).toMatch(
    /sql\/ddl\/transactions_per_block\.sql, \S*sql\/transforms\/transactions_per_block\.sql$/m,
  )
  expect(stdout).not.toContain('address_diffs')
})

test('in a folder that has some of it, it adds what is missing and touches nothing', async () => {
  const cwd = temporaryDirectory()
  writeFileSync(join(cwd, 'README.md'), 'mine')
  writeFileSync(join(cwd, '.gitignore'), 'node_modules/\n')
  mkdirSync(join(cwd, 'sql/transforms'), { recursive: true })
  writeFileSync(join(cwd, 'sql/transforms/own.sql'), 'mine')
  const first = await backfillHere(['init'], { cwd })
  expect(first.stdout).toContain('Kept README.md\n')
  expect(first.stderr).toContain('Add to .gitignore: .env state/\n')
  expect(filesIn(cwd)).toEqual([...FILES.slice(0, 5), 'sql/transforms/own.sql'])
  for (const file of ['README.md', 'sql/transforms/own.sql'])
    expect(readFileSync(join(cwd, file), 'utf8')).toBe('mine')
  const { stdout } = await backfillHere(['init', '--json'], { cwd })
  expect(JSON.parse(stdout)).toMatchObject({
    written: [],
    kept: expect.arrayContaining(['README.md', '.env.example']),
  })
})

test('where it cannot write, it says so and leaves nothing', async () => {
  const cwd = temporaryDirectory()
  writeFileSync(join(cwd, 'sql'), 'a file where the folder should be')
  const { code, stderr } = await backfillHere(['init'], { cwd })
  expect(code).toBe(2)
  expect(stderr).toMatch(/^backfill: cannot (write|read) /)
  expect(existsSync(join(cwd, 'README.md'))).toBe(false)
})

test('two folders, and tables without transforms, are mistakes that are said', async () => {
  const cwd = temporaryDirectory()
  expect(await backfillHere(['init', 'a', 'b'], { cwd })).toMatchObject({ code: 2, stdout: '' })
  expect(filesIn(cwd)).toEqual([])
  mkdirSync(join(cwd, 'sql/ddl'), { recursive: true })
  // The package's own tables would hide that the folder of the transforms is misspelled.
  const { code, stdout } = await backfillHere(['check', '--offline'], { cwd })
  expect({ code, stdout }).not.toMatchObject({
    code: 0,
    stdout: expect.stringContaining('Checked 11 tables'),
  })
})

test('below the root of a repository it says where GitHub reads the workflow', async () => {
  const cwd = temporaryDirectory()
  mkdirSync(join(cwd, '.git'))
  const { code, stderr } = await backfillHere(['init', 'data'], { cwd })
  expect(code).toBe(0)
  expect(stderr).toContain(
    'move .github/workflows/backfill.yml to ./.github/workflows, with `defaults: { run: { working-directory: data } }`',
  )
  expect((await backfillHere(['init'], { cwd })).stderr).not.toContain('working-directory')
})

test('a file in the place of the folder is named, and nothing is written', async () => {
  const cwd = temporaryDirectory()
  writeFileSync(join(cwd, 'data'), 'mine')
  expect(await backfillHere(['init', 'data'], { cwd })).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('a file is in the place of a folder above it'),
  })
  expect(filesIn(cwd)).toEqual(['data'])
})

test('a link that leads nowhere stands in no file’s place: it is kept as it is', async () => {
  const cwd = temporaryDirectory()
  for (const name of ['.env.example', '.gitignore']) symlinkSync(join(cwd, 'nowhere'), join(cwd, name))
  const { code, stdout } = await backfillHere(['init'], { cwd })
  expect(code).toBe(0)
  expect(stdout).toContain('Kept .env.example')
  expect(existsSync(join(cwd, 'nowhere'))).toBe(false)
  expect(existsSync(join(cwd, 'sql', 'ddl', 'transactions_per_block.sql'))).toBe(true)
})

test('hints in a project name --sql where it counts alone', async () => {
  const cwd = temporaryDirectory()
  await backfillHere(['init'], { cwd })
  const next = async (table: string, ...words: readonly string[]) =>
    (await backfillHere(['new', table, ...words], { cwd })).stderr
  expect(await next('one', '--sql', './sql')).toContain('`backfill check one --offline`, ')
  writeFileSync(join(cwd, '.env'), 'BACKFILL_SQL=sql,more\n')
  mkdirSync(join(cwd, 'more'))
  expect(await next('two', '--sql', 'sql')).toContain('`backfill check two --offline --sql sql`, ')
  expect(await next('three', '--sql', 'sql,more')).toContain('`backfill check three --offline`, ')
  const empty = await backfillHere(['list', '--sql', 'more/nothing'], { cwd })
  expect(empty.stderr).toContain('name the folder with --sql')
  // It has no such flag.
  expect((await backfillHere(['init', '/proc/x'], { cwd })).stderr).not.toContain('--sql')
})

test('a page of the docs is named where it was installed', async () => {
  const cwd = temporaryDirectory()
  await backfillHere(['init'], { cwd })
  mkdirSync(join(cwd, 'sql/source'))
  const ddl =
    'CREATE TABLE IF NOT EXISTS {source:Identifier}.beats (at DateTime) ENGINE = MergeTree ORDER BY at'
  const head = '--! position: toUnixTimestamp(at) + 1\n--! network: none\n--! written: none\n'
  writeFileSync(join(cwd, 'sql/source/beats.sql'), `${head}\n${ddl}\n`)
  const { code, stderr } = await backfill(['new', 'pulse', '--sources', 'beats'], { cwd })
  expect([code, stderr]).toEqual([
    2,
    expect.stringContaining(join(repository, 'docs/how-to/other-sources.md')),
  ])
})
