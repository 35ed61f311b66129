// Owns sql/tests/<table key>/*.yaml: which test files there are, reading them, and writing a new one.
import { access, mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { dirname, join, relative } from 'node:path'
import { type BackfillError, usageError } from '../runner/errors.ts'
import type { Catalogue, TableDefinition } from '../runner/model.ts'
import { knownNames } from '../runner/pure/nearest.ts'
import type { UnitTest } from '../runner/unit-test.ts'
import { parseTestCase } from './test-case.ts'

/**
 * Reads the tests of the chosen tables in the SQL folder, by table and file name.
 * @throws BackfillError `usage` with file, line and column of the first thing that is wrong; for a folder that bears
 *   the name of no table; where there is no test at all
 */
export async function readTests(
  folder: string,
  catalogue: Catalogue,
  chosen: readonly TableDefinition[],
): Promise<readonly UnitTest[]> {
  const tests = join(folder, 'tests')
  const known = catalogue.tables.map(({ key }) => key)
  const stranger = (await namesIn(tests)).find((name) => !known.includes(name))
  if (stranger !== undefined) {
    throw usageError(
      `${shown(join(tests, stranger))}: there is no table '${stranger}'`,
      knownNames('tables', stranger, known),
    )
  }
  const found = await Promise.all(
    chosen.map((table) => readTableTests(join(tests, table.key), table, catalogue)),
  )
  if (found.some((ofTable) => ofTable.length > 0)) return found.flat()
  throw usageError(
    `no test in ${shown(tests)} for ${chosen.map(({ key }) => key).join(', ')}`,
    'write <table key>/<name>.yaml there, or type `backfill test --new <table> --from <N> --to <N>`',
  )
}

/** Where a test of that name is, as shown to people. */
export function testPath(folder: string, key: string, name: string): string {
  return shown(join(folder, 'tests', key, `${name}.yaml`))
}

/** @throws BackfillError `usage` where the file exists already */
export async function refuseExisting(path: string): Promise<void> {
  const exists = await access(path).then(
    () => true,
    () => false,
  )
  if (exists) throw alreadyThere(path)
}

/** Writes a new test file. @throws BackfillError `usage` where the file exists already or cannot be written */
export async function writeTest(path: string, text: string): Promise<void> {
  try {
    await mkdir(dirname(path), { recursive: true })
    await writeFile(path, text, { flag: 'wx' })
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    throw code === 'EEXIST'
      ? alreadyThere(path)
      : usageError(`cannot write ${path}: ${code}`, 'name a folder that can be written with --sql <folder>')
  }
}

function alreadyThere(path: string): BackfillError {
  return usageError(`${path} exists already`, 'rename it or remove it first: a test is never overwritten')
}

async function readTableTests(
  folder: string,
  table: TableDefinition,
  catalogue: Catalogue,
): Promise<readonly UnitTest[]> {
  const files = await namesIn(folder)
  const other = files.find((name) => !name.endsWith('.yaml'))
  if (other !== undefined) {
    throw usageError(`${shown(join(folder, other))}: is no test, and would not run`, 'a test is <name>.yaml')
  }
  const texts = await Promise.all(files.map((name) => readFile(join(folder, name), 'utf8')))
  return files.map((name, index) => {
    const test = `${table.key}/${name.slice(0, -'.yaml'.length)}`
    return parseTestCase(
      { name: test, file: shown(join(folder, name)), text: texts[index]!, table },
      catalogue,
    )
  })
}

async function namesIn(folder: string): Promise<readonly string[]> {
  const names = await readdir(folder).catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw usageError(
      `cannot read ${shown(folder)}: ${(error as NodeJS.ErrnoException).code}`,
      'correct the folder',
    )
  })
  return names.filter((name) => !name.startsWith('.')).toSorted()
}

/** A path as people want to read it: relative to the working directory where that is shorter. */
function shown(path: string): string {
  const fromHere = relative(process.cwd(), path)
  return fromHere !== '' && fromHere.length < path.length ? fromHere : path
}
