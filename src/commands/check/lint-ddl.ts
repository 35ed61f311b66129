// Owns the lint of a table's DDL against the `rows` of its header.
import { type BackfillError, fileError, type Finding } from '../../model/errors.ts'
import type { RowsKind, SqlText } from '../../model/model.ts'
import { type DdlClause, ddlClauses, type DdlClauses } from '../../sql-syntax/ddl-clauses.ts'
import { knownNames } from '../../model/did-you-mean.ts'

/** The column that a per-block row belongs to: half-written ranges are deleted by it. */
const BLOCK = 'block_number'

/** Throws a usage error with file and line for a statement that is not a CREATE TABLE. */
export function* lintDdl(ddl: SqlText, rows: RowsKind): Generator<BackfillError, void> {
  const clauses = ddlClauses(ddl)
  const problems = [...unknownColumns(clauses), ...rowsColumn(clauses, rows)]
  // A key with unknown columns cannot be checked further.
  const more = problems.length > 0 ? [] : [...engineFits(clauses, rows), ...keysFit(clauses, rows)]
  for (const { line, ...problem } of [...problems, ...more])
    yield fileError({ ...problem, file: ddl.file, line: line ?? ddl.line })
}

type Problem = Omit<Finding, 'file'>

function* unknownColumns({ columns, engine, sortKey, partition }: DdlClauses): Generator<Problem, void> {
  const known = columns.map(({ name }) => name)
  const places: readonly [string, DdlClause | undefined][] = [
    ['the engine', engine],
    ['ORDER BY', sortKey],
    ['PARTITION BY', partition],
  ]
  for (const [what, clause] of places) {
    for (const name of (clause?.names ?? []).filter(
      (one) => !known.includes(one) && !KEYWORDS.has(one.toUpperCase()),
    )) {
      const hint = knownNames('columns', name, known)
      yield {
        rule: 'E052',
        line: clause?.line,
        sentence: `${what} names '${name}', which is not a column of the table`,
        hint,
      }
    }
  }
}

const KEYWORDS: ReadonlySet<string> = new Set([
  'ASC',
  'DESC',
  'AS',
  'INTERVAL',
  'DAY',
  'MONTH',
  'YEAR',
  'AND',
  'OR',
  'NOT',
])

function* rowsColumn({ columns }: DdlClauses, rows: RowsKind): Generator<Problem, void> {
  const known = columns.map(({ name }) => name)
  const wanted = rows.kind === 'per-block' ? BLOCK : rows.column
  if (known.includes(wanted)) return
  const sentence =
    rows.kind === 'per-block'
      ? `the rows are per block, but the table has no column ${BLOCK}`
      : `the rows keep the ${rows.keep} '${wanted}', but the table has no such column`
  const hint = rows.kind === 'per-block' ? `add ${BLOCK}: ranges are deleted by it; ` : ''
  yield { rule: 'E054', sentence, hint: hint + knownNames('columns', wanted, known) }
}

function* engineFits({ engine }: DdlClauses, rows: RowsKind): Generator<Problem, void> {
  const replacing = engine?.name.startsWith('Replacing') ?? false
  const found = engine === undefined ? 'has no ENGINE' : `is a ${engine.name}`
  if (rows.kind === 'per-block') {
    if (replacing) return
    const sentence = `the table ${found}: the rows of a range must be deleted before it runs again`
    yield {
      rule: 'W057',
      line: engine?.line,
      sentence,
      hint: 'use ReplacingMergeTree, sorted by the key of a row',
    }
    return
  }
  if (replacing && engine?.text !== '') return
  const sentence = replacing
    ? `the rows keep the ${rows.keep} ${rows.column}, but ReplacingMergeTree without a version keeps the last one inserted`
    : `the rows keep the ${rows.keep} ${rows.column}, but the table ${found}, which keeps all of them`
  const version = rows.keep === 'latest' ? rows.column : 'version'
  const how =
    rows.keep === 'latest'
      ? ''
      : `, where version grows as ${rows.column} falls (DEFAULT 4294967295 - ${rows.column})`
  yield { rule: 'E053', line: engine?.line, sentence, hint: `use ReplacingMergeTree(${version})${how}` }
}

function* keysFit({ engine, sortKey, partition }: DdlClauses, rows: RowsKind): Generator<Problem, void> {
  if (!(engine?.name.startsWith('Replacing') ?? false)) return
  const key = sortKey?.names ?? []
  const line = sortKey?.line ?? engine?.line
  if (key.length === 0) {
    const hint = 'write ORDER BY with the columns that identify a row'
    yield { rule: 'E055', line, sentence: 'without ORDER BY all rows of a partition become one', hint }
    return
  }
  if (rows.kind === 'per-block' && !key.includes(BLOCK)) {
    const sentence = `ORDER BY lacks ${BLOCK}: rows of different blocks would replace one another`
    yield {
      rule: 'E055',
      line,
      sentence,
      hint: `add ${BLOCK} to ORDER BY, or write rows: per-key in the header`,
    }
  }
  if (rows.kind === 'per-key' && key.includes(rows.column)) {
    const sentence = `ORDER BY has ${rows.column}: rows of one key would not replace one another`
    yield {
      rule: 'E055',
      line,
      sentence,
      hint: `take ${rows.column} out of ORDER BY, or write rows: per-block`,
    }
  }
  const stray = (partition?.names ?? []).filter(
    (name) => !key.includes(name) && !KEYWORDS.has(name.toUpperCase()),
  )
  if (stray.length === 0) return
  const sentence = `PARTITION BY has ${stray.join(', ')}, which ORDER BY lacks: rows of one key in different partitions never replace one another`
  yield { rule: 'E056', line: partition?.line, sentence, hint: 'partition by columns of ORDER BY' }
}
