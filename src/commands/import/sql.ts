// Owns the reading of sql/import: the SQL that turns a source table's files into its rows.
import { fileError, attempt, refuse, type Report, knownNames } from '../../model/errors.ts'
import { importKey, type SourceDefinition, type SqlText, type TableDefinition } from '../../model/model.ts'
import { importHeader } from '../../project/header.ts'
import { checkedParameters, RUNNER_PARAMETERS } from '../../sql-syntax/parameters.ts'
import { reportOutside } from '../../sql-syntax/outside.ts'
import { clauseSettings, onlySelect } from '../../project/transform-statement.ts'
import { readSqlFiles, type SqlFile } from '../../project/sql-files.ts'
import { sha256, sqlHash } from '../../project/sql-hash.ts'
import {
  isKeyword,
  lex,
  isSignificant,
  significantTokens,
  unquoted,
  splitAtCommas,
} from '../../sql-syntax/lexer.ts'

/** `target` is the source table that the import fills; its only source is the table's files. */
export type ImportTable = TableDefinition & {
  /** `optional`: the SQL uses `{has_<name>:Bool}` to learn whether the file has the column. */
  readonly fileColumns: readonly { readonly name: string; readonly optional: boolean }[]
}

export async function readImports(
  folder: string,
  sources: readonly SourceDefinition[],
  report: Report = refuse,
): Promise<readonly ImportTable[]> {
  const files = await readSqlFiles(folder, 'import')
  return files.flatMap((file) => attempt(report, () => importTable(file, sources)) ?? [])
}

function importTable(file: SqlFile, sources: readonly SourceDefinition[]): ImportTable {
  const source = sources.find(({ table }) => table === file.key)
  if (source === undefined) {
    const names = sources.map(({ table }) => table)
    const [sentence, hint] = [
      `'${file.key}' is no source table`,
      knownNames('source tables', file.key, names),
    ]
    throw fileError({ rule: 'E011', file: file.file, sentence, hint })
  }
  const { description, settings, outside } = importHeader(file.file, file.text)
  const transform = onlySelect(file.file, file.text)
  reportOutside(transform, outside, refuse)
  const columns = fileColumnNames(transform)
  const known = Object.fromEntries(columns.map((name) => [hasParameter(name), 'Bool']))
  const parameters = checkedParameters(transform, { ...RUNNER_PARAMETERS, ...known })
  const lacking = ['network', 'from_block', 'to_block'].find((one) => !parameters.includes(one))
  if (lacking !== undefined) {
    const hint = `use {${lacking}:${RUNNER_PARAMETERS[lacking]}}`
    const place = { file: file.file, line: transform.line }
    throw fileError({ rule: 'E032', ...place, sentence: `the import never uses '${lacking}'`, hint })
  }
  return {
    key: importKey(source.table),
    description,
    target: source.table,
    sources: [source.table],
    after: [],
    unit: 'block',
    position: 'block_number',
    blocks: { from: undefined, to: undefined },
    chunk: undefined,
    settings: { ...clauseSettings(transform), ...settings },
    params: [],
    rows: { kind: 'per-block', deletedFirst: true },
    shared: undefined,
    transform,
    ddl: source.ddl,
    clusterDdl: [],
    parameters,
    sqlHash: sqlHash(transform, { params: [], settings }),
    rawHash: sha256(file.bytes),
    rawText: file.text,
    fileColumns: columns.map((name) => ({ name, optional: parameters.includes(hasParameter(name)) })),
  }
}

export function hasParameter(column: string): string {
  return `has_${column}`
}

/** The columns' names. @throws BackfillError `usage` with file and line if the SQL has no input() */
function fileColumnNames(sql: SqlText): readonly string[] {
  const tokens = significantTokens(sql)
  const at = tokens.findIndex(
    (token, index) =>
      isKeyword(token, 'INPUT') && tokens[index + 1]?.text === '(' && tokens[index + 2]?.kind === 'string',
  )
  const structure = tokens[at + 2]
  if (at === -1 || structure === undefined)
    throw fileError({
      rule: 'E023',
      file: sql.file,
      line: sql.line,
      sentence: 'an import reads the rows of a file',
      hint: "write FROM input('name Type, …') with the columns of the file",
    })
  const inner = { file: sql.file, text: structure.text.slice(1, -1), line: structure.line }
  const items = splitAtCommas([...lex(inner)].filter(isSignificant))
  return items.flatMap(([name]) => (name === undefined ? [] : [unquoted(name)]))
}
