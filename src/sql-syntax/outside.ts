// Owns what SQL text may use of the world outside of the server: table functions, engines, functions and settings that read
// files, call other hosts, run programs or texts are refused; what a grant limits is allowed if the file's header names it.
import { fileError, type Report } from '../model/errors.ts'
import type { SqlText } from '../model/model.ts'
import { isKeyword, isName, significantTokens, type Token, unquoted } from './lexer.ts'
import { beginsTable } from './table-refs.ts'

/** Table functions that stay on the server. Lists what is allowed: a server may know functions that nobody here knows. */
const TABLE_FUNCTIONS = wordsOf(
  'numbers numbers_mt zeros zeros_mt generateSeries generate_series primes values SQLStandardValues',
  'view viewIfPermitted merge input dictionary',
  'mergeTreeIndex mergeTreeProjection mergeTreeTextIndex mergeTreeAnalyzeIndexes',
  'timeSeriesData timeSeriesMetrics timeSeriesSamples timeSeriesSelector timeSeriesTags',
)

const ENGINE =
  /^((replicated|shared)?\w*mergetree|log|tinylog|stripelog|memory|null|set|join|buffer|merge|dictionary|generaterandom|keepermap|atomic|ordinary|replicated|lazy)$/

/** Functions that leave the server wherever they stand: after IN and commas, too, a table function may follow. */
const LEAVES = new RegExp(
  `^(${[
    '(azureblobstorage|s3|gcs|oss|cosn|hdfs|url|file|remote|iceberg|hudi|paimon|deltalake)\\w*',
    'cluster|clusterallreplicas|executable\\w*|filesystem|sqlite|mysql|postgresql|mongodb|redis|odbc|jdbc|ytsaurus|arrowflight',
    'eval|loop|fuzzquery|fuzzjson|viewexplain|prometheusquery\\w*',
    // Functions of one value.
    'ai(generate|embed|classify|extract|translate)\\w*|catboostevaluate|reversednsquery|hascolumnintable|evalmlmethod',
    // `SETTINGS disk = disk(type = s3, …)` of a CREATE TABLE.
    'disk',
    // They compute the defaults of columns that a text describes.
    'generaterandom|null|structureto\\w+',
  ].join('|')})$`,
)

/** Not allowed by a header either: no grant limits text that is run. */
const NEVER = /^(eval|format|generaterandom|null|input|values|structureto\w+)$/

/** Settings that name a file or a host, or hold text that is run. */
const SETTING =
  /^(format_(template|schema)\w*|output_format_schema|rename_files\w+|cluster_for_\w+|\w+_(filters?|file_path|credentials|custom_key)|\w*url(_base)?|\w*dialect|allow_get_client_http_header)$/

export const leavesBySetting = (name: string): boolean => SETTING.test(name)

/** Functions that share their beginning with one that leaves, and stay. */
const STAYS = wordsOf('urlHash urlHierarchy urlPathHierarchy')

/** Reports E049 for whatever of a statement leaves the server. @param named names in the header's `outside` */
export function reportOutside(sql: SqlText, named: readonly string[], report: Report): void {
  const allowed = wordsOf(...named)
  const tokens = significantTokens(sql)
  const clauses = new Set<number>()
  /** By depth: whether tables stand there. */
  const tables = new Map<number, boolean>()
  for (const [index, token] of tokens.entries()) {
    const place = { rule: 'E049', file: sql.file, line: token.line } as const
    if (token.text === '(') tables.delete(token.depth + 1)
    const before = tokens[index - 1]
    if (isKeyword(token, ...CLAUSES) && !isKeyword(before, 'AS'))
      tables.set(token.depth, beginsTable(tokens, index))
    const isTable = tables.get(token.depth) === true && /^(from|join|,)$/i.test(before?.text ?? '')
    if (isTable && /^(string|heredoc)$/.test(token.kind)) {
      const sentence = `the text ${token.text} stands in place of a table: clickhouse-local reads such a file`
      report(fileError({ ...place, sentence, hint: 'write the name of a table without these quotes' }))
    }
    if (!isName(token)) continue
    if (isKeyword(token, 'SETTINGS')) clauses.add(token.depth)
    const name = unquoted(token)
    const lower = name.toLowerCase()
    const what = outsideKind(tokens, index, lower, clauses.has(token.depth))
    // As a value, file() is limited by no grant.
    const isNever = NEVER.test(lower) || what === 'setting' || (what === 'function' && lower === 'file')
    if (token.kind === 'identifier' && token.text.includes('\\')) {
      const sentence = `the name ${token.text} has a backslash, behind which any other name can hide`
      report(fileError({ ...place, sentence, hint: 'write the name without a backslash' }))
    } else if (what !== undefined && (isNever || !allowed.has(lower))) {
      const sentence = `the ${what} ${name} reaches outside of the ClickHouse server`
      const hint = isNever
        ? 'do without it: no grant of the server limits it'
        : `do without it; if you trust this file, allow it in its header: --! outside: ${name}`
      report(fileError({ ...place, sentence, hint }))
    }
  }
}

const CLAUSES = 'SELECT FROM JOIN ON USING PREWHERE WHERE BY HAVING LIMIT WINDOW QUALIFY SETTINGS'.split(' ')

function outsideKind(tokens: readonly Token[], index: number, name: string, inSettings: boolean) {
  const [token, before, after] = [tokens[index]!, tokens[index - 1], tokens[index + 1]]
  if (isEngine(tokens, index)) return ENGINE.test(name) ? undefined : 'engine'
  if (isKeyword(token, 'DICTIONARY') && isKeyword(before, 'CREATE', 'REPLACE')) return 'statement'
  if (after?.text === '=' && leavesBySetting(name) && inSettings) return 'setting'
  if (!isCall(token, before, after)) return undefined
  const [first, second] = tokens.slice(index + 2, index + 4)
  if (name === 'format' && !isPattern(first, second)) return 'table function'
  if (name === 'input' && (first?.kind !== 'string' || second?.text !== ')')) return 'table function'
  if (/^(values|input)$/.test(name) && DEFAULTS.test(first?.text ?? '')) return 'default in the columns of'
  // Behind a comma only what is known to leave is seen.
  if (isKeyword(before, 'FUNCTION') || beginsTable(tokens, index - 1))
    return TABLE_FUNCTIONS.has(name) ? undefined : 'table function'
  return LEAVES.test(name) && !STAYS.has(name) ? 'function' : undefined
}

/** The first argument of the function of values: `'{} of {}',`. That of the table function is the name of a format. */
function isPattern(first: Token | undefined, comma: Token | undefined): boolean {
  return first?.kind === 'string' && first.text.includes('{') && comma?.text === ','
}

const DEFAULTS = /^([bx]'|['‘$](?=[^]*(\\|\b(default|materialized|alias|ephemeral|ttl|codec)\b)))/i

/** `ENGINE = Name` or `ENGINE Name` outside of brackets: a column may be called engine. */
function isEngine(tokens: readonly Token[], index: number): boolean {
  const before = tokens[index - 1]
  const keyword = before?.text === '=' ? tokens[index - 2] : before
  const isOutermost = keyword?.depth === 0 && isKeyword(tokens[0], 'CREATE', 'ATTACH', 'REPLACE')
  return isOutermost && isKeyword(keyword, 'ENGINE')
}

/** `name(`, `APPLY name`, and a name alone as first argument: `arrayMap(name, …)` calls it for each element. */
function isCall(token: Token, before: Token | undefined, after: Token | undefined): boolean {
  if (before?.text === '.') return false
  if (after?.text === '(' || isKeyword(before, 'APPLY')) return true
  if (before?.text !== '(' || !SCALARS.test(unquoted(token))) return false
  // `arrayMap(file AS f, …)`, `arrayMap(file f, …)`
  return after?.text === ',' || after?.text === ')' || (isName(after) && !OPERATORS.test(after.text))
}

const OPERATORS = /^(in|not|like|ilike|is|between|and|or|from|global|div|mod|regexp)$/i

const SCALARS = /^(file|ai(generate|embed|classify|extract|translate)\w*|reversednsquery)$/i

function wordsOf(...names: readonly string[]): ReadonlySet<string> {
  return new Set(names.flatMap((text) => text.toLowerCase().split(' ')))
}
