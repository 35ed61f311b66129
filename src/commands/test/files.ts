// Owns sql/tests/<table key>/*.yaml: finding and reading the test files.
import { join } from 'node:path'
import { BackfillError, fileError, usageError } from '../../model/errors.ts'
import type { Catalogue, TableDefinition } from '../../model/model.ts'
import { attempt, refuse, type Report } from '../../sql-syntax/problems.ts'
import { keyFolders, namesIn } from '../../project/key-folders.ts'
import { readFolderFile, shown, unreadable } from '../../project/sql-files.ts'
import { parseTestCase, type UnitTest } from './test-case.ts'

/** Sorted by table and file name. @throws BackfillError `usage` for the first error; if there is no test */
export async function readTests(
  folders: readonly string[],
  catalogue: Catalogue,
  chosen: readonly TableDefinition[],
): Promise<readonly UnitTest[]> {
  const known = catalogue.tables.map(({ key }) => key)
  const found = await readSoundTests(folders, { catalogue, chosen, known }, refuse)
  if (found.length > 0) return found
  throw usageError(
    `no test in ${shown(join(folders.at(-1)!, 'tests'))} for ${chosen.map(({ key }) => key).join(', ')}`,
    'write <table key>/<name>.yaml there, or type `backfill test --new <table> --from <N> --to <N>`',
  )
}

type TestQuestion = {
  readonly catalogue: Catalogue
  readonly chosen: readonly TableDefinition[]
  /** Keys of all tables, wrong ones too. */
  readonly known: readonly string[]
}

/** The valid tests of the chosen tables: of each table those of the last folder that has some. Errors in other tests are reported. */
export async function readSoundTests(
  folders: readonly string[],
  { catalogue, chosen, known }: TestQuestion,
  report: Report,
): Promise<readonly UnitTest[]> {
  const homes = await keyFolders(folders, { what: 'tests', keys: known }, report)
  const found = chosen.map(async (table) => {
    const root = homes.get(table.key)
    return root === undefined ? [] : await readTableTests(root, table, catalogue, report)
  })
  return (await Promise.all(found)).flat()
}

export function testPath(folder: string, key: string, name: string): string {
  return join(folder, 'tests', key, `${name}.yaml`)
}

async function readTableTests(
  root: string,
  table: TableDefinition,
  catalogue: Catalogue,
  report: Report,
): Promise<readonly UnitTest[]> {
  const folder = join(root, 'tests', table.key)
  const names = await namesIn(root, folder)
  const files = names.filter((name) => name.endsWith('.yaml'))
  for (const other of names.filter((name) => !files.includes(name))) {
    const [file, sentence] = [shown(join(folder, other)), 'is not a test file and never runs']
    report(fileError({ rule: 'E016', file, sentence, hint: 'a test is <name>.yaml' }))
  }
  const read = files.map(async (name) => {
    const path = join(folder, name)
    const isListed = (error: unknown) => unreadable(path, error, { isListed: true })
    const { text } = await readFolderFile(root, path).catch(isListed)
    return { name: `${table.key}/${name.slice(0, -'.yaml'.length)}`, file: shown(path), text, table }
  })
  return (await Promise.all(read)).flatMap(
    (one) => attempt(report, () => withRule(one.file, () => parseTestCase(one, catalogue))) ?? [],
  )
}

/** Errors of a test begin with their place, `file:line:column: `. */
function withRule<Value>(file: string, parse: () => Value): Value {
  try {
    return parse()
  } catch (error) {
    if (!(error instanceof BackfillError)) throw error
    const own = error.message.startsWith(`${file}:`) ? error.message.slice(file.length) : ''
    const [prefix, line] = /^:(\d+):\d+: /.exec(own) ?? ['']
    const sentence = prefix === '' ? error.message : own.slice(prefix.length)
    const finding = { rule: 'E016', file, line: Number(line ?? 1), sentence, hint: error.hint ?? '' } as const
    throw new BackfillError(error.message, { kind: error.kind, hint: finding.hint, finding })
  }
}
