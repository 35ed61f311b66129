// Owns the filling of sql-templates/: small files of a new table that pass `check` unchanged.
import { readFile } from 'node:fs/promises'
import { PACKAGE_FOLDER } from '../../package-folder.ts'

/** A table that the new one reads. */
export type ScaffoldInput = {
  /** The parameter that names its database. */
  readonly kind: 'source' | 'target'
  /** As the header names it: a source table, or the key of a derived one. */
  readonly header: string
  /** As the SQL names it, without database. */
  readonly table: string
  /** As a unit test names it. */
  readonly short: string
  /** The column that holds an address; undefined if the table has none. */
  readonly address: string | undefined
}

export type Scaffold = {
  readonly key: string
  readonly inputs: readonly ScaffoldInput[]
  /** The folder of templates. `per-key`: the latest row of each address; every input has an address then. */
  readonly rows: 'per-block' | 'per-key'
}

/** The text of a new table's file. */
export async function fillTemplate(
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
  }
  return text.replaceAll(/\{\{(\w+)\}\}/g, (_, name: string) => values[name]!)
}

function selectText({ kind, table, address }: ScaffoldInput, rows: Scaffold['rows']): string {
  const account = rows === 'per-key' ? `lower(${address}) AS account, ` : ''
  const blocks = 'block_number BETWEEN {from_block:UInt64} AND {to_block:UInt64}'
  return `    SELECT ${account}block_number AS block
    FROM {${kind}:Identifier}.${table} FINAL
    WHERE ${kind === 'source' ? 'meta_network_name = {network:String}\n      AND ' : ''}${blocks}`
}

function givenText({ short, address, kind }: ScaffoldInput, rows: Scaffold['rows']): string {
  const column = kind === 'target' || rows === 'per-key' ? address : undefined
  const row = (value: string, index: number) =>
    `    - { block_number: ${100 + index}${column === undefined ? '' : `, ${column}: ${value}`} }`
  return [`  ${short}:`, ...['0xa', '0xb', '0xc'].map(row)].join('\n')
}
