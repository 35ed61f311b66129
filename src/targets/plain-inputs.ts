// Owns what a transform cannot read as its file says: FINAL of a table that was made with an engine that keeps every row.
import { type BackfillError, failedError } from '../model/errors.ts'
import type { TableDefinition, Catalogue, SqlText } from '../model/model.ts'
import { ddlClauses } from '../sql-syntax/ddl-clauses.ts'
import { isKeyword, significantTokens } from '../sql-syntax/lexer.ts'
import { tableReads } from '../sql-syntax/table-refs.ts'
import { isCollapsing } from './compared-columns.ts'

type Known = {
  readonly catalogue: Pick<Catalogue, 'tables'>
  readonly database: string
  readonly targets: ReadonlyMap<string, { readonly engine: string }>
}

/**
 * ClickHouse rejects FINAL of a plain MergeTree. The transform is right, and so is the table's file: the table that is there is not.
 * Undefined if every table that it reads with FINAL can be read so, or has a file that keeps every row as well.
 */
export function plainInputs(
  { transform }: Pick<TableDefinition, 'transform'>,
  { catalogue, database, targets }: Known,
): { readonly sentence: string; readonly hint: string } | undefined {
  const tokens = significantTokens(transform)
  const read = new Set(
    tableReads(transform)
      .filter(({ parameter, to }) => parameter === 'target' && readsFinal(tokens.slice(to, to + 3)))
      .map(({ table }) => table),
  )
  const plain = catalogue.tables.filter(
    ({ target, ddl }) => read.has(target) && isPlain(ddl, targets.get(target)?.engine ?? ''),
  )
  if (plain.length === 0) return undefined
  const engines = plain.map(({ target }) => `${database}.${target} is a ${targets.get(target)!.engine}`)
  return {
    sentence: `it reads with FINAL, and ${engines.join(', ')}, not as the file of the table says`,
    hint: `${plain.map(({ key }) => `\`backfill rebuild ${key}\``).join(', ')} ${plain.length === 1 ? 'builds it' : 'build them'} as the file says`,
  }
}

export function plainInputsError(
  table: Pick<TableDefinition, 'transform'>,
  known: Known,
): BackfillError | undefined {
  const found = plainInputs(table, known)
  return found && failedError(`${table.transform.file}: ${found.sentence}`, found.hint)
}

/** Whether a table with this engine keeps every row, though by its file the rows of a key become one. */
export function isPlain(ddl: SqlText, engine: string): boolean {
  const byFile = ddlClauses(ddl).engine?.name ?? ''
  return engine.endsWith('MergeTree') && !isCollapsing({ engine }) && isCollapsing({ engine: byFile })
}

function readsFinal(behind: ReturnType<typeof significantTokens>): boolean {
  const at = behind.findIndex((token) => isKeyword(token, 'FINAL'))
  return at === 0 || at === 1 || (at === 2 && isKeyword(behind[0], 'AS'))
}
