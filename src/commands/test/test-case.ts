// Owns the unit tests of a folder, sql/tests/<table key>/*.yaml: finding the files, and parsing each into a checked test.
import { tablesReadBy } from '../../model/choose.ts'
import { fileError, knownNames, usageError, attempt, refuse, type Report } from '../../model/errors.ts'
import { type Catalogue, type Network, type TableDefinition, shortName } from '../../model/model.ts'
import type { Range } from '../../model/blocks.ts'
import { ddlColumns } from '../../sql-syntax/create-table.ts'
import { expected, expectedRows, givenRows, type GivenContext, type Row } from './rows.ts'
import { testError, parseYaml, type YamlEntry, type YamlNode } from './yaml-tree.ts'
import { join } from 'node:path'
import { keyFolders, namesIn, readFolderFile, shown, unreadable } from '../../project/sql-files.ts'

export type UnitTest = {
  /** `<table key>/<file name without ending>`. */
  readonly name: string
  readonly file: string
  readonly description: string
  readonly table: TableDefinition
  readonly network: Network
  readonly range: Range
  /** Name of a source or derived table, without database, to its rows. Inputs that are absent here are empty. */
  readonly given: ReadonlyMap<string, readonly Row[]>
  readonly expected: ReturnType<typeof expectedRows>
}

export type TestFile = Pick<UnitTest, 'name' | 'file' | 'table'> & { readonly text: string }

export function parseTestCase({ name, file, text, table }: TestFile, catalogue: Catalogue): UnitTest {
  const root = parseYaml(file, text)
  const fields = new Map(entriesOf(root, KEYS, 'key').map((entry) => [entry.key, entry.value]))
  const missing = REQUIRED.find((key) => !fields.has(key))
  if (missing !== undefined) {
    throw testError(root.place, `the test lacks '${missing}'`, `a test has ${REQUIRED.join(', ')}`)
  }
  const network = withForks(networkOf(fields.get('network'), catalogue), fields.get('forks'))
  const range = rangeOf(fields.get('range')!)
  return {
    name,
    file,
    description: textOf(fields.get('description')!, 'a sentence'),
    table,
    network,
    range,
    given: givenOf(fields.get('given')!, table, catalogue, { network: network.name, range }),
    expected: expectedRows(fields.get('expect')!, ddlColumns(table.ddl)),
  }
}

const REQUIRED = ['description', 'range', 'given', 'expect'] as const
const KEYS = ['description', 'network', 'range', 'forks', 'given', 'expect'] as const

function givenOf(
  node: YamlNode,
  table: TableDefinition,
  catalogue: Catalogue,
  context: Omit<GivenContext, 'columns'>,
): UnitTest['given'] {
  const unknown = table.sources.find((name) => !catalogue.sources.some((source) => source.table === name))
  if (unknown !== undefined)
    throw testError(
      node.place,
      `nothing defines which columns ${unknown} has`,
      `add source/${unknown}.sql with its CREATE TABLE to the SQL folder`,
    )
  const inputs = new Map(
    tablesReadBy(table, catalogue).map(({ key, ...input }) => [key ?? shortName(input.table), input]),
  )
  return new Map(
    entriesOf(node, [...inputs.keys()], 'table').map(({ key, value }) => {
      const input = inputs.get(key)!
      const columns = ddlColumns(input.ddl).filter(
        ({ defaultKind }) => input.side === 'source' || !['MATERIALIZED', 'ALIAS'].includes(defaultKind),
      )
      return [input.table, givenRows(value, columns, { ...context, columns: input })]
    }),
  )
}

function entriesOf(node: YamlNode, known: readonly string[], what: 'key' | 'table'): readonly YamlEntry[] {
  if (node.kind !== 'map') throw expected(node, `a map of ${what}s`, `write ${known.join(': …, ')}: …`)
  const stranger = node.entries.find(({ key }) => !known.includes(key))
  if (stranger === undefined) return node.entries
  const sentence =
    what === 'table' ? `the transform reads no table '${stranger.key}'` : `unknown key '${stranger.key}'`
  throw testError(stranger.place, sentence, knownNames(`${what}s`, stranger.key, known))
}

function networkOf(node: YamlNode | undefined, { networks }: Catalogue): Network {
  const name = node === undefined ? 'mainnet' : textOf(node, 'the name of a network')
  const network = networks.find((known) => known.name === name)
  if (network !== undefined) return network
  const names = networks.map((known) => known.name)
  const place = node?.place ?? 'networks.json'
  throw testError(place, `unknown network '${name}'`, knownNames('networks', name, names))
}

function withForks(network: Network, node: YamlNode | undefined): Network {
  if (node === undefined) return network
  const forks = { ...network.forks }
  for (const { key, value } of entriesOf(node, Object.keys(forks), 'key')) forks[key] = blockOf(value)
  return { ...network, forks }
}

function rangeOf(node: YamlNode): Range {
  const text = textOf(node, 'a range')
  const [, first, last = first] = /^(0|[1-9]\d{0,9})(?:-(0|[1-9]\d{0,9}))?$/.exec(text) ?? []
  const range = { from: Number(first), to: Number(last) }
  if (range.from <= range.to) return range
  throw expected(node, 'a range of blocks', 'write the first and the last block, 100-102, or one block, 100')
}

function blockOf(node: YamlNode): number {
  if (node.kind === 'scalar' && /^(0|[1-9]\d{0,9})$/.test(node.text)) return Number(node.text)
  throw expected(node, 'a block number', 'write the first block of the fork')
}

function textOf(node: YamlNode, what: string): string {
  if (node.kind === 'scalar' && node.text.trim() !== '') return node.text.trim()
  throw expected(node, what, 'write it after the key')
}

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
    (one) => attempt(report, () => parseTestCase(one, catalogue)) ?? [],
  )
}
