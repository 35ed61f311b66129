// Owns `backfill new`: it writes the files of a new table, which pass `check` unchanged.
import { join, sep } from 'node:path'
import { EXIT, usageError } from '../../model/errors.ts'
import type { Catalogue, SqlText, Unit } from '../../model/model.ts'
import { createTable, ddlColumns } from '../../sql-syntax/create-table.ts'
import { readEngine } from '../../sql-syntax/ddl-clauses.ts'
import { COLLAPSING_ENGINES } from '../../targets/compared-columns.ts'
import { knownNames } from '../../model/did-you-mean.ts'
import { isTableKey, shortName } from '../../model/table-key.ts'
import { shown } from '../../project/sql-files.ts'
import { names, oneOf, readFlag } from '../../workspace/values.ts'
import type { Command } from '../../session/command.ts'
import { readFile } from 'node:fs/promises'
import { PACKAGE_FOLDER } from '../../package-folder.ts'

export const newTable: Command = async ({ config, output, flags }) => {
  const { readFolders } = await import('../../project/sql-folder.ts')
  const { writeNewFiles } = await import('../../project/new-files.ts')
  const key = flags.get('table')?.text ?? ''
  if (key === '') throw usageError('`new` needs the key of the table', 'backfill new gas_per_block')
  assertKey(key)
  const folder = config.sql.value.at(-1)!
  assertOwnFolder(folder)
  const rows = readFlag(flags, 'rows', oneOf<Scaffold['rows']>(['per-block', 'per-key'])) ?? 'per-block'

  // Errors in other tables do not matter here: `check` reports them.
  const { catalogue, drafts } = await readFolders(config.sql.value, () => {}, { mayBeEmpty: true })
  const rival = drafts.find((draft) => draft.key === key || draft.header.target === `int_${key}`)
  if (rival !== undefined) throw usageError(`${rival.file} has a table of that name`, 'choose another key')
  const [given, after] = [readFlag(flags, 'sources', names), readFlag(flags, 'after', names) ?? []]
  const sources = given ?? (after.length > 0 ? [] : ['transaction'])
  const inputs = inputsOf(catalogue, { sources, after }).map((input) => fitting(input, rows))
  const written = await writeNewFiles(folder, await tableFiles(folder, { key, rows, inputs }))
  output.answer(
    { files: written },
    written.map((path) => `Wrote ${path}`),
  )
  output.message([
    `Next: \`backfill check ${key} --offline\`, \`backfill test ${key}\`, and edit the SELECT.`,
  ])
  return EXIT.ok
}

export async function tableFiles(folder: string, table: Scaffold): Promise<ReadonlyMap<string, string>> {
  const places = [
    ['ddl.sql', join('ddl', `${table.key}.sql`)],
    ['transform.sql', join('transforms', `${table.key}.sql`)],
    ['test.yaml', join('tests', table.key, 'range.yaml')],
  ] as const
  const files = places.map(
    async ([template, path]) => [join(folder, path), await fillTemplate(template, table)] as const,
  )
  return new Map(await Promise.all(files))
}

/** The lock's name, `<network>__<key>__<epoch>`, is also a file name on the server's disk. */
const LONGEST_KEY = 80

function assertKey(key: string): void {
  const hint = 'use lower-case letters, digits and single _, a letter first, such as gas_per_block'
  if (!isTableKey(key)) throw usageError(`'${key}' is not a table key`, hint)
  if (key.length > LONGEST_KEY)
    throw usageError(`the table key has ${key.length} characters`, `use up to ${LONGEST_KEY}`)
}

/** @throws BackfillError `usage` if the folder belongs to an installed package, because the next install replaces it */
function assertOwnFolder(folder: string): void {
  if (!folder.split(sep).includes('node_modules')) return
  throw usageError(
    `${shown(folder)} belongs to an installed package: the next install removes added files`,
    '`backfill init` makes a folder of your own here; --sql names another one',
  )
}

type Found = Omit<ScaffoldInput, 'address' | 'isFinal'> & { readonly ddl: SqlText; readonly unit: Unit }

function inputsOf(
  { sources, tables }: Catalogue,
  named: { readonly sources: readonly string[]; readonly after: readonly string[] },
): readonly Found[] {
  const find = (flag: keyof typeof named, what: string, known: readonly Found[]) =>
    named[flag].map((name) => {
      const found = known.find(({ header, short }) => header === name || short === name)
      if (found !== undefined) return found
      const shortNames = known.map(({ short }) => short)
      throw usageError(`--${flag}: there is no ${what} '${name}'`, knownNames(`${what}s`, name, shortNames))
    })
  return [
    ...find(
      'sources',
      'source table',
      sources.map(({ table, ddl, unit, columns }) => ({
        kind: 'source',
        header: table,
        table,
        short: shortName(table),
        ...columns,
        ddl,
        unit,
      })),
    ),
    ...find(
      'after',
      'table',
      tables.map(({ key, target, ddl, unit, position }) => ({
        kind: 'target',
        header: key,
        table: target,
        short: key,
        position,
        network: undefined,
        ddl,
        unit,
      })),
    ),
  ]
}

const ADDRESSES = ['address', 'contract_address', 'from_address', 'action_from']

/** @throws BackfillError `usage` for an input without the columns that the template needs */
function fitting({ ddl, unit, ...input }: Found, rows: Scaffold['rows']): ScaffoldInput {
  const declared = ddlColumns(ddl)
  const columns = declared.map(({ name }) => name)
  const engine = readEngine(createTable(ddl).clauses.get('ENGINE') ?? [])
  if (unit !== 'block' || !columns.includes(input.position)) {
    throw usageError(
      `${input.table} has ${unit !== 'block' ? 'positions that are times' : /^\w+$/.test(input.position) ? `no column '${input.position}'` : `positions that are no plain column: ${input.position}`}`,
      'choose an input with blocks in a column (`--! position:` of its file), or write the files by hand: docs/how-to/other-sources.md',
    )
  }
  // The test has short texts, which no FixedString takes.
  const texts = declared.filter(({ type }) => /^(?:LowCardinality\()?String\b/.test(type))
  const address = ADDRESSES.find((column) => texts.some(({ name }) => name === column))
  if (address === undefined && rows === 'per-key') {
    throw usageError(
      `${input.table} has no address column of type String, which --rows per-key needs`,
      'use --rows per-block, then edit the files',
    )
  }
  return { ...input, address, isFinal: COLLAPSING_ENGINES.test(engine?.name ?? '') }
}

/** A table that the new one reads. */
type ScaffoldInput = {
  /** The parameter that names its database. */
  readonly kind: 'source' | 'target'
  /** As the header names it: a source table, or the key of a derived one. */
  readonly header: string
  /** As the SQL names it, without database. */
  readonly table: string
  /** As a unit test names it. */
  readonly short: string
  readonly position: string
  /** The column with the network's name; undefined: all rows are of the network. */
  readonly network: string | undefined
  /** Its engine takes FINAL. */
  readonly isFinal: boolean
  /** The column that holds an address; undefined if the table has none. */
  readonly address: string | undefined
}

type Scaffold = {
  readonly key: string
  readonly inputs: readonly ScaffoldInput[]
  /** The folder of templates. `per-key`: the latest row of each address; every input has an address then. */
  readonly rows: 'per-block' | 'per-key'
}

async function fillTemplate(
  template: 'ddl.sql' | 'transform.sql' | 'test.yaml',
  { key, inputs, rows }: Scaffold,
): Promise<string> {
  const text = await readFile(new URL(`sql-templates/${rows}/${template}`, PACKAGE_FOLDER), 'utf8')
  const headers = (kind: ScaffoldInput['kind']) =>
    inputs.filter((input) => input.kind === kind).map(({ header }) => header)
  const values: Readonly<Record<string, string>> = {
    key,
    names: inputs.map(({ short }) => short).join(', '),
    reads: Object.entries({ sources: headers('source'), after: headers('target') })
      .filter(([, list]) => list.length > 0)
      .map(([name, list]) => `--! ${name}: ${list.join(', ')}`)
      .join('\n'),
    inputs: inputs.map((input) => selectText(input, rows)).join('\n    UNION ALL\n'),
    given: inputs.map((input) => givenText(input, rows)).join('\n'),
    count: String(inputs.length),
    final: inputs.some(({ isFinal }) => isFinal) ? 'FINAL, because source rows can be written again. ' : '',
  }
  return text.replaceAll(/\{\{(\w+)\}\}/g, (_, name: string) => values[name]!)
}

function selectText(
  { kind, table, address, position, network, isFinal }: ScaffoldInput,
  rows: Scaffold['rows'],
): string {
  const account = rows === 'per-key' ? `lower(${address}) AS account, ` : ''
  const blocks = `${position} BETWEEN {from_block:UInt64} AND {to_block:UInt64}`
  return `    SELECT ${account}${position} AS block
    FROM {${kind}:Identifier}.${table}${isFinal ? ' FINAL' : ''}
    WHERE ${network === undefined ? '' : `${network} = {network:String}\n      AND `}${blocks}`
}

function givenText({ short, address, kind, position }: ScaffoldInput, rows: Scaffold['rows']): string {
  const column = kind === 'target' || rows === 'per-key' ? address : undefined
  const row = (value: string, index: number) =>
    `    - { ${position}: ${100 + index}${column === undefined ? '' : `, ${column}: ${value}`} }`
  return [`  ${short}:`, ...['0xa', '0xb', '0xc'].map(row)].join('\n')
}
