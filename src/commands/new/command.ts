// Owns `backfill new`: the files of a new table, sound as they stand.
import { EXIT, usageError } from '../../model/errors.ts'
import type { Catalogue, SqlText } from '../../model/model.ts'
import { ddlColumns } from '../../sql-syntax/create-table.ts'
import { knownNames } from '../../model/did-you-mean.ts'
import { scaffold, type Scaffold, type ScaffoldInput, targetName } from './scaffold.ts'
import { names, readFlag, type Word } from '../../workspace/values.ts'
import type { Command } from '../../session/command.ts'

export const newTable: Command = async ({ config, output, flags }) => {
  const { assertGoodKey, assertOwnFolder, writeNewTable } = await import('./write-files.ts')
  const { readFolder } = await import('../../project/sql-folder.ts')
  const { shortName } = await import('../test/test-case.ts')
  const key = flags.get('table') ?? ''
  if (key === '') throw usageError('`new` needs the key of the table', 'backfill new gas_per_block')
  assertGoodKey(key)
  const folder = config.sql.value
  assertOwnFolder(folder)
  const rows = readFlag(flags, 'rows', rowsWord) ?? 'per-block'

  // Another table's error is no reason to refuse: `check` tells it.
  const { catalogue, drafts } = await readFolder(folder, () => {})
  const rival = drafts.find((draft) => draft.key === key || draft.header.target === targetName(key))
  if (rival !== undefined) throw usageError(`${rival.file} has a table of that name`, 'choose another key')
  const [given, after] = [readFlag(flags, 'sources', names), readFlag(flags, 'after', names) ?? []]
  const sources = given ?? (after.length > 0 ? [] : ['transaction'])
  const inputs = [
    ...sources.map((name) => sourceInput(name, catalogue, shortName)),
    ...after.map((name) => derivedInput(name, catalogue)),
  ]
  const texts = scaffold({ key, rows, inputs: inputs.map((input) => fitting(input, rows)) })
  const written = await writeNewTable(folder, key, texts)
  output.result(written.map((path) => `Wrote ${path}`))
  const flag = config.sql.origin === 'flag --sql' ? ` --sql ${flags.get('sql')}` : ''
  output.message([
    `Next: \`backfill check ${key} --offline${flag}\`, \`backfill test ${key}${flag}\`, and make the SELECT your own.`,
  ])
  return EXIT.ok
}

type Found = Omit<ScaffoldInput, 'address'> & { readonly ddl: SqlText }

function sourceInput(name: string, { sources }: Catalogue, shortName: (source: string) => string): Found {
  const found = sources.find(({ table }) => table === name || shortName(table) === name)
  if (found === undefined) {
    const known = sources.map(({ table }) => shortName(table))
    throw usageError(
      `--sources: there is no source table '${name}'`,
      knownNames('source tables', name, known),
    )
  }
  const { table, ddl } = found
  return { kind: 'source', header: table, table, short: shortName(table), ddl }
}

function derivedInput(name: string, { tables }: Catalogue): Found {
  const found = tables.find(({ key }) => key === name)
  if (found === undefined) {
    const known = tables.map(({ key }) => key)
    throw usageError(`--after: there is no table '${name}'`, knownNames('tables', name, known))
  }
  return { kind: 'derived', header: found.key, table: found.target, short: found.key, ddl: found.ddl }
}

const ADDRESSES = ['address', 'contract_address', 'from_address', 'action_from']

/** @throws BackfillError `usage` for an input without the columns that the text needs */
function fitting({ ddl, ...input }: Found, rows: Scaffold['rows']): ScaffoldInput {
  const columns = ddlColumns(ddl).map(({ name }) => name)
  if (!columns.includes('block_number')) {
    throw usageError(
      `${input.table} has no column block_number`,
      'a transform reads its inputs block by block',
    )
  }
  const address = ADDRESSES.find((name) => columns.includes(name))
  if (address === undefined && rows === 'per-key') {
    throw usageError(
      `${input.table} has no column with an address, by which --rows per-key would keep rows`,
      'use --rows per-block, and change the files',
    )
  }
  return { ...input, address }
}

function rowsWord({ text, place }: Word): Scaffold['rows'] {
  if (text === 'per-block' || text === 'per-key') return text
  throw usageError(`${place} must be per-block or per-key, got '${text}'`)
}
