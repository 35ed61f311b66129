// Owns `backfill new`: it writes the files of a new table, which pass `check` unchanged.
import { join, sep } from 'node:path'
import { EXIT, usageError, knownNames } from '../../model/errors.ts'
import { type Catalogue, isTableKey, shortName } from '../../model/model.ts'
import { createTable, ddlColumns } from '../../sql-syntax/create-table.ts'
import { readEngine } from '../../sql-syntax/ddl-clauses.ts'
import { COLLAPSING_ENGINES } from '../../targets/compared-columns.ts'
import { shown } from '../../project/sql-files.ts'
import { names, readFlag } from '../../workspace/values.ts'
import type { Command } from '../../session/session.ts'
import { readFile } from 'node:fs/promises'
import { PACKAGE_FOLDER } from '../../package-folder.ts'

export const newTable: Command = async ({ config, output, flags }) => {
  const { readFolders } = await import('../../project/sql-folder.ts')
  const { writeNewFiles } = await import('../../project/written-files.ts')
  const key = flags.get('table')?.text ?? ''
  if (key === '') throw usageError('`new` needs the key of the table', 'backfill new gas_per_block')
  assertKey(key)
  const folder = config.sql.value.at(-1)!
  assertOwnFolder(folder)

  // Errors in other tables do not matter here: `check` reports them.
  const { catalogue, drafts } = await readFolders(config.sql.value, () => {}, { mayBeEmpty: true })
  const rival = drafts.find((draft) => draft.key === key || draft.header.target === `int_${key}`)
  if (rival !== undefined) throw usageError(`${rival.file} has a table of that name`, 'choose another key')
  const [given, after] = [readFlag(flags, 'sources', names), readFlag(flags, 'after', names) ?? []]
  const sources = given ?? (after.length > 0 ? [] : ['transaction'])
  const inputs = inputsOf(catalogue, { sources, after })
  const other = inputs.find(({ unit }) => unit !== inputs[0]!.unit)
  if (other !== undefined)
    throw usageError(
      `${inputs[0]!.table} counts ${inputs[0]!.unit}s and ${other.table} ${other.unit}s: a range cannot be both`,
      'choose inputs of one unit; others can be read after --! lookup',
    )
  const written = await writeNewFiles(folder, await tableFiles(folder, { key, inputs }))
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

/** @throws BackfillError `usage` for a name that no table has, and for an input that the template cannot read */
export function inputsOf(
  { sources, tables }: Catalogue,
  named: { readonly sources: readonly string[]; readonly after: readonly string[] },
) {
  const known = {
    sources: sources.map(({ table, columns, ...source }) => ({
      ...source,
      ...columns,
      kind: 'source' as const,
      header: table,
      table,
      short: shortName(table),
    })),
    after: tables.map(({ key, target, ...table }) => ({
      ...table,
      kind: 'target' as const,
      header: key,
      table: target,
      short: key,
      network: undefined,
    })),
  }
  return (['sources', 'after'] as const).flatMap((flag) =>
    named[flag].map((name) => {
      const found = known[flag].find(({ header, short }) => header === name || short === name)
      const what = flag === 'sources' ? 'source table' : 'table'
      const shorts = known[flag].map(({ short }) => short)
      if (found === undefined)
        throw usageError(
          `--${flag}: there is no ${what} '${name}'`,
          knownNames(`${what}s`, name, shorts) +
            (flag === 'sources' ? `; for another source write source/${name}.sql with its CREATE TABLE` : ''),
        )
      const { unit, table } = found
      const columns = ddlColumns(found.ddl)
      const time = unit === 'second' ? TIME.exec(found.position)?.[1] : undefined
      const position = time ?? found.position
      const column = columns.find((one) => one.name === position)
      if (column === undefined || (unit === 'second' && !column.type.startsWith('DateTime')))
        throw usageError(
          `${table} has no column of ${unit}s '${position}'`,
          'choose an input with blocks or a time in a column (`--! position:` of its file), or write the files by hand: docs/how-to/other-sources.md',
        )
      if (found.kind === 'target' && found.rows.kind === 'per-key' && found.rows.keep === 'latest')
        throw usageError(
          `${table} keeps the latest row of a key: rows per block cannot be read from it`,
          'choose a table with rows per block, or write the files of a table with rows per key by hand: docs/reference/sql-files.md',
        )
      const engine = readEngine(createTable(found.ddl).clauses.get('ENGINE') ?? [])
      // To tell rows of a block apart.
      const address = columns.find((one) => ADDRESSES.includes(one.name) && TEXT.test(one.type))?.name
      return { ...found, position, address, isFinal: COLLAPSING_ENGINES.test(engine?.name ?? '') }
    }),
  )
}

/** A time as a number, as a file says it (`toUnixTimestamp(at)`), and as a derived table has it. */
const TIME = /^(?:toUInt64\()?(?:toUnixTimestamp\()?(\w+)\)*$/

const ADDRESSES = ['address', 'contract_address', 'from_address', 'action_from']

/** The test has short texts, which no FixedString takes. */
const TEXT = /^(?:LowCardinality\()?String\b/

/** A table that the new one reads, as its header (`header`), its SQL (`table`) and a unit test (`short`) name it. */
type Input = ReturnType<typeof inputsOf>[number]

type Scaffold = { readonly key: string; readonly inputs: readonly Input[] }

async function fillTemplate(template: string, { key, inputs }: Scaffold): Promise<string> {
  const text = await readFile(new URL(`sql-templates/table/${template}`, PACKAGE_FOLDER), 'utf8')
  const reads = (name: string, kind: Input['kind']) => {
    const headers = inputs.filter((input) => input.kind === kind).map(({ header }) => header)
    return headers.length === 0 ? [] : [`--! ${name}: ${headers.join(', ')}`]
  }
  const values: Readonly<Record<string, string>> = {
    key,
    ...(inputs[0]!.unit === 'block' ? BLOCKS : SECONDS),
    names: inputs.map(({ short }) => short).join(', '),
    reads: [...reads('sources', 'source'), ...reads('after', 'target')].join('\n'),
    inputs: inputs.map(selectText).join('\n    UNION ALL\n'),
    given: inputs.map(givenText).join('\n'),
    count: String(inputs.length),
    final: inputs.some(({ isFinal }) => isFinal) ? 'FINAL, because source rows can be written again. ' : '',
  }
  return text.replaceAll(/\{\{(\w+)\}\}/g, (_, name: string) => values[name]!)
}

/** What a table of the unit is written with. Times: `BETWEEN` would leave out the rest of the last second of a DateTime64. */
const BLOCKS = {
  unit: 'block',
  own: 'block_number',
  type: 'UInt32',
  title: 'Block',
  shard: 'block_number',
  partition: 'intDiv(block_number, 5000000)',
  position: '',
  from: '{from_block:UInt64}',
  to: '{to_block:UInt64}',
  value: 'toUInt32(block)',
  range: '100-101',
  first: '100',
  second: '101',
}

const SECONDS: typeof BLOCKS = {
  unit: 'second',
  own: 'at',
  type: 'DateTime',
  title: 'Time',
  shard: 'toUnixTimestamp(at)',
  partition: 'toYYYYMM(at)',
  position: '\n--! position: toUnixTimestamp(at)',
  from: '{from:UInt64}',
  to: '{to:UInt64}',
  value: 'second',
  range: '1710288000-1710288001',
  first: "'2024-03-13 00:00:00'",
  second: "'2024-03-13 00:00:01'",
}

function selectText({ kind, table, unit, position, network, isFinal }: Input): string {
  const blocks =
    unit === 'block'
      ? `${position} BETWEEN {from_block:UInt64} AND {to_block:UInt64}`
      : `${position} >= fromUnixTimestamp({from:UInt64}) AND ${position} < fromUnixTimestamp({to:UInt64} + 1)`
  return `    SELECT ${unit === 'block' ? position : `toDateTime(${position})`} AS ${unit}
    FROM {${kind}:Identifier}.${table}${isFinal ? ' FINAL' : ''}
    WHERE ${network === undefined ? '' : `${network} = {network:String}\n      AND `}${blocks}`
}

function givenText({ short, address, kind, unit, position }: Input): string {
  const column = kind === 'target' ? address : undefined
  const row = (value: string, index: number) =>
    `    - { ${position}: ${unit === 'block' ? 100 + index : `'2024-03-13 00:00:0${index}'`}${column === undefined ? '' : `, ${column}: ${value}`} }`
  return [`  ${short}:`, ...['0xa', '0xb', '0xc'].map(row)].join('\n')
}
