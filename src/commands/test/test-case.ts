// Owns the parsing of one test file into a checked test.
import { tablesReadBy } from '../../model/choose.ts'
import { usageError } from '../../model/errors.ts'
import type { Catalogue, Network, TableDefinition } from '../../model/model.ts'
import { shortName } from '../../model/table-key.ts'
import type { Range } from '../../model/blocks.ts'
import { ddlColumns } from '../../sql-syntax/create-table.ts'
import { knownNames } from '../../model/did-you-mean.ts'
import { expected, expectedRows, givenRows, type GivenContext, type Row } from './rows.ts'
import { parseYaml, type YamlEntry, type YamlNode } from './yaml-tree.ts'

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
    throw usageError(`${root.place}: the test lacks '${missing}'`, `a test has ${REQUIRED.join(', ')}`)
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
    throw usageError(
      `${node.place}: nothing defines which columns ${unknown} has`,
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
  throw usageError(`${stranger.place}: ${sentence}`, knownNames(`${what}s`, stranger.key, known))
}

function networkOf(node: YamlNode | undefined, { networks }: Catalogue): Network {
  const name = node === undefined ? 'mainnet' : textOf(node, 'the name of a network')
  const network = networks.find((known) => known.name === name)
  if (network !== undefined) return network
  const names = networks.map((known) => known.name)
  const place = node?.place ?? 'networks.json'
  throw usageError(`${place}: unknown network '${name}'`, knownNames('networks', name, names))
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
