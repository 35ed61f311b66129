// Owns the lint of a table's DDL against the `rows` of its header.
import { type BackfillError, fileError, type Finding, knownNames } from '../model/errors.ts'
import { type RowsKind, type SqlText, XATU_COLUMNS } from '../model/model.ts'
import { quotedName, quoteIdentifier } from '../sql-syntax/quoting.ts'
import { compactText, joined, significantTokens, splitAtCommas, unquoted } from '../sql-syntax/lexer.ts'
import { columnsIn } from '../sql-syntax/named-columns.ts'
import type { RuleId } from '../model/rules.ts'
import { type DdlClause, ddlClauses, type DdlClauses } from '../sql-syntax/ddl-clauses.ts'

/** `position`: what a per-block row belongs to; half-written ranges are deleted by it. */
export function* lintDdl(
  ddl: SqlText,
  rows: RowsKind,
  position: string = XATU_COLUMNS.position,
): Generator<BackfillError, void> {
  const clauses = ddlClauses(ddl)
  const by = columnsIn(position)
  const problems = [
    ...unknownColumns(clauses),
    ...rowsColumn(clauses, rows, by),
    ...positionIsNumber(clauses, rows, position),
  ]
  // A key with unknown columns cannot be checked further.
  if (problems.length === 0)
    problems.push(
      ...engineFits(clauses, rows),
      ...keysFit(clauses, rows, by),
      ...blocksFound(clauses, rows, by),
    )
  for (const one of problems) yield fileError({ ...one, file: ddl.file, line: one.line ?? ddl.line })
}

type Problem = Omit<Finding, 'file'>

const problem = (
  rule: RuleId,
  at: Pick<DdlClause, 'line'> | undefined,
  sentence: string,
  hint: string,
): Problem => {
  return { rule, line: at?.line, sentence, hint }
}

function* unknownColumns({ columns, engine, sortKey, partition }: DdlClauses): Generator<Problem, void> {
  const known = columns.map(({ name }) => name)
  // Other engines take words, names of tables or numbers.
  const merging = mergesRows(engine) ? engine : undefined
  const places = { 'the engine': merging, 'ORDER BY': sortKey, 'PARTITION BY': partition }
  for (const [what, clause] of Object.entries(places))
    for (const name of clause?.columns ?? []) {
      if (known.includes(name)) continue
      const sentence = `${what} names '${name}', which is not a column of the table`
      yield problem('E052', clause, sentence, knownNames('columns', name, known))
    }
}

function* rowsColumn(
  { columns }: DdlClauses,
  rows: RowsKind,
  by: readonly string[],
): Generator<Problem, void> {
  const known = columns.map(({ name }) => name)
  const wanted = (rows.kind === 'per-block' ? by : [rows.column]).find((name) => !known.includes(name))
  if (wanted === undefined) return
  const sentence =
    rows.kind === 'per-block'
      ? `the rows are per block, but the table has no column ${wanted}`
      : `the rows keep the ${rows.keep} '${wanted}', but the table has no such column`
  const hint =
    rows.kind === 'per-block'
      ? `add ${wanted}: ranges are deleted by it, or name another column in --! position; `
      : ''
  yield problem('E054', undefined, sentence, hint + knownNames('columns', wanted, known))
}

/** An expression is cast to a number; the column itself is compared with the blocks of a range as it is. */
function* positionIsNumber(
  { columns }: DdlClauses,
  rows: RowsKind,
  position: string,
): Generator<Problem, void> {
  const column = columns.find(({ name }) => name === position && name === XATU_COLUMNS.position)
  const type = compactText(column?.clauses.get('') ?? [])
  if (rows.kind !== 'per-block' || !NO_NUMBER.test(type)) return
  const sentence = `the rows are per block, but ${position} is a ${type}, which ClickHouse cannot compare with numbers of blocks`
  yield problem('E054', column, sentence, 'declare it as a number, such as UInt64')
}

const NO_NUMBER =
  /^(?:(?:Nullable|LowCardinality)\()*(?:(?:Fixed)?String|(?:VAR)?CHAR|TEXT|UUID|IPv6|Date(?:32)?|Array|Tuple|Map|JSON)\b/i

function* engineFits({ engine }: DdlClauses, rows: RowsKind): Generator<Problem, void> {
  if (engine !== undefined && /^(?:Null|Set|Buffer|Merge|GenerateRandom|Alias)$/i.test(engine.name))
    yield problem(
      'E053',
      engine,
      `a table with the engine ${engine.name} keeps no rows of its own that could be read back`,
      'use ReplacingMergeTree, sorted by the key of a row',
    )
  const replacing = isReplacing(engine)
  const found = engine === undefined ? 'has no ENGINE' : `is a ${engine.name}`
  if (replacing && (rows.kind === 'per-block' || engine?.text !== '')) return
  if (rows.kind === 'per-block') {
    const sentence = `the table ${found}: the rows of a range must be deleted before it runs again`
    yield problem('W057', engine, sentence, 'use ReplacingMergeTree, sorted by the key of a row')
    return
  }
  const { keep, column } = rows
  const sentence = replacing
    ? `the rows keep the ${keep} ${column}, but ReplacingMergeTree without a version keeps the last one inserted`
    : `the rows keep the ${keep} ${column}, but the table ${found}, which keeps all of them`
  const hint =
    keep === 'latest'
      ? `use ReplacingMergeTree(${column})`
      : `use ReplacingMergeTree(version), where version grows as ${column} falls (DEFAULT 4294967295 - ${column})`
  yield problem('E053', engine, sentence, hint)
}

function* keysFit(
  { columns, engine, sortKey, partition, settings }: DdlClauses,
  rows: RowsKind,
  by: readonly string[],
): Generator<Problem, void> {
  const most = settings?.names.find((name) => /^max_(rows|bytes)_to_keep$/.test(name))
  if (engine?.name === 'Memory' && most !== undefined)
    yield problem('E055', engine, `a Memory table with ${most} drops its oldest rows`, `remove ${most}`)
  const isAny = engine?.name === 'Join' && /\bANY\b/i.test(engine.text)
  if (isAny && rows.kind === 'per-block' && !by.every((name) => engine.names.includes(name))) {
    const sentence = `the keys of Join(ANY, …) lack ${by.join(', ')}: of rows of different blocks one would stay`
    yield problem('E055', engine, sentence, 'use ReplacingMergeTree, sorted by the key of a row')
  }
  if (!mergesRows(engine)) return
  const key = sortKey?.names ?? []
  const at = sortKey ?? engine
  if (key.length === 0) {
    const hint = 'write ORDER BY with the columns that identify a row'
    yield problem('E055', at, 'without ORDER BY all rows of a partition become one', hint)
    return
  }
  if (rows.kind === 'per-block' && !tellsBlocksApart(sortKey, by)) {
    const fate = isReplacing(engine) ? 'replace one another' : `become one in a ${engine!.name}`
    const sentence = `ORDER BY lacks ${by.join(', ')}: rows of different blocks would ${fate}`
    yield problem(
      'E055',
      at,
      sentence,
      `add ${by.join(', ')} to ORDER BY, or write rows: per-key in the header`,
    )
  }
  if (rows.kind === 'per-key' && key.includes(rows.column)) {
    const sentence = `ORDER BY has ${rows.column}: rows of one key would not replace one another`
    yield problem('E055', at, sentence, `take ${rows.column} out of ORDER BY, or write rows: per-block`)
  }
  const stray = (partition?.names ?? []).filter(
    (name) => !key.includes(name) && columns.some((column) => column.name === name),
  )
  const sentence = `PARTITION BY has ${stray.join(', ')}, which ORDER BY lacks: rows of one key in different partitions never replace one another`
  if (stray.length > 0) yield problem('E056', partition, sentence, 'partition by columns of ORDER BY')
}

/** What is done for a range (its digest, verify, redo, a dependant's chunk) should read the range, not the table. */
function* blocksFound(
  { engine, sortKey, others }: DdlClauses,
  rows: RowsKind,
  by: readonly string[],
): Generator<Problem, void> {
  if (rows.kind !== 'per-block' || !engine?.name.endsWith('MergeTree')) return
  if (mergesRows(engine) && !tellsBlocksApart(sortKey, by)) return // E055
  const words = significantTokens({ file: '', text: sortKey?.text ?? '', line: 1 }).map(unquoted)
  const first = words.slice(0, words.includes(',') ? words.indexOf(',') : undefined)
  const hasIndex = others.some(
    ({ text, names }) => by.some((name) => names.includes(name)) && /^INDEX .* TYPE minmax\b/i.test(text),
  )
  if (hasIndex || by.some((name) => first.includes(name))) return
  const sentence = `ORDER BY does not begin with ${by.join(', ')}, and no index has it: to read the rows of a range the server reads the whole table`
  yield problem(
    'W059',
    sortKey ?? engine,
    sentence,
    `add INDEX by_block ${by.map(quotedName).join(', ')} TYPE minmax GRANULARITY 1 after the columns`,
  )
}

/** Whether the block is an element of the key, as it is or as something that no other block has: by `intDiv(block_number, 10)` the rows of ten blocks have one key. */
function tellsBlocksApart(sortKey: DdlClauses['sortKey'], by: readonly string[]): boolean {
  const holds = (text: string): boolean =>
    elements(text).some((element) => {
      const item = element.replace(/ (ASC|DESC)$/i, '')
      if (by.some((name) => [name, quoteIdentifier(name)].includes(item))) return true
      const inside = ONE_TO_ONE.map((pattern) => pattern.exec(item)?.[1]).find((one) => one !== undefined)
      return inside !== undefined && holds(inside)
    })
  return holds(sortKey?.text ?? '')
}

/** What other values have other results of: around the block, or a tuple with it. */
const ONE_TO_ONE: readonly RegExp[] = [
  /^- (.+)$/,
  /^(?:negate|tuple|toU?Int(?:32|64|128|256)|toUnixTimestamp|toString)? ?\( (.+) \)$/i,
  /^CAST \( (.+) AS U?Int(?:32|64|128|256) \)$/i,
  /^(.+) :: U?Int(?:32|64|128|256)$/i,
]

/** Of a key: of `if ( n > 1 , 0 , block_number )` one; none of `a , b ) = ( c , d`, whose brackets were no pair. */
function elements(text: string): readonly string[] {
  const tokens = significantTokens({ file: '', text, line: 1 })
  return tokens.some(({ depth }) => depth < 0) ? [] : splitAtCommas(tokens).map(joined)
}

function mergesRows(engine: DdlClauses['engine']): boolean {
  return /^(Replacing|Summing|Aggregating|Collapsing|VersionedCollapsing|Coalescing|Graphite|EmbeddedRocksDB|KeeperMap|Redis)/.test(
    engine?.name ?? '',
  )
}

export function isReplacing(engine: DdlClauses['engine']): boolean {
  return engine?.name.startsWith('Replacing') ?? false
}
