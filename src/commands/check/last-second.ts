// Owns the rules that both ends of a range are read, and its last second to its end, where positions have parts of a second.
import { type BackfillError, fileError } from '../../model/errors.ts'
import type { Catalogue, SqlText } from '../../model/model.ts'
import { ddlColumns } from '../../sql-syntax/create-table.ts'
import {
  closings,
  isKeyword,
  significantTokens,
  splitAtCommas,
  type Token,
  unquoted,
} from '../../sql-syntax/lexer.ts'
import { columnsIn } from '../../sql-syntax/named-columns.ts'
import { namedExpressions, NEAR } from './named-expressions.ts'
import { selectAround, tableReads } from '../../sql-syntax/table-refs.ts'

export function* lintLastSecond(
  transform: SqlText,
  { sources, tables }: Pick<Catalogue, 'sources' | 'tables'>,
  lookups: readonly string[] = [],
): Generator<BackfillError, void> {
  const tokens = significantTokens(transform)
  const bounds = namedBounds(tokens)
  yield* endsBefore(transform.file, withBounds(tokens, bounds))
  for (const { parameter, table, from } of tableReads(transform)) {
    const source = parameter === 'source' && sources.find((one) => one.table === table)
    const read = source
      ? { ddl: source.ddl, position: source.columns.position }
      : parameter === 'target' && tables.find(({ target }) => target === table)
    if (!read || lookups.includes(table) || ('key' in read && lookups.includes(read.key))) continue
    const named = columnsIn(read.position)
    const fine = ddlColumns(read.ddl)
      .filter(({ name, type }) => named.includes(name) && /DateTime64\((?!0)/.test(type))
      .map(({ name }) => name)
    const around = withBounds(selectAround(tokens, from), bounds)
    const shifted = { back: isMoved(around, 'from', '-'), ahead: isMoved(around, 'to', '+') }
    for (const [at, token] of around.entries()) {
      const column = unquoted(token)
      if (!named.includes(column)) continue
      const [near, place] = [around.slice(Math.max(0, at - NEAR), at + NEAR), Math.min(at, NEAR)]
      const left = leftOut(near, place + 1) ?? leftOutBefore(near, place) ?? cutOff(near, place + 1, shifted)
      if (left !== undefined)
        yield fileError({
          rule: 'W083',
          file: transform.file,
          line: token.line,
          sentence: `'${column}' of ${table} is read without the ${left.end} position of the range: both ends belong to it, so that one position would be lost between two ranges`,
          hint: left.hint,
        })
      if (!fine.includes(column) || !isEnd(upperBound(near, place + 1), 'to')) continue
      yield fileError({
        rule: 'W038',
        file: transform.file,
        line: token.line,
        sentence: `'${column}' of ${table} may have parts of a second, and the range is read up to the beginning of its last second: later rows of that second would be in no range`,
        hint: `write ${column} < fromUnixTimestamp({to:UInt64} + 1)`,
      })
    }
  }
}

/** What makes the positions of a range, and ends before its bound: `range(from, to)`, `numbers(from, to - from)`, `WITH FILL … TO to`. */
function* endsBefore(file: string, tokens: readonly Token[]): Generator<BackfillError, void> {
  const closing = closings(tokens)
  for (const [at, token] of tokens.entries()) {
    const name = unquoted(token).toLowerCase()
    const close = ['range', 'numbers'].includes(name) ? closing.get(at + 1) : undefined
    const args = close === undefined ? [] : splitAtCommas(tokens.slice(at + 2, Math.min(close, at + NEAR)))
    const [first = [], second = first] = args
    const isFill = isKeyword(token, 'TO') && tokens.slice(Math.max(0, at - NEAR), at).some(isFillWord)
    const isRange = name === 'range' && isEnd(first, 'from') && isEnd(second, 'to')
    const isNumbers = name === 'numbers' && isMoved(second, 'to', '-') && isNamed(second, 'from')
    const isShort =
      isRange || (isNumbers && !second.some(({ text }) => text === '+')) || (isFill && fillsTo(tokens, at))
    if (!isShort) continue
    const what = isFill ? 'WITH FILL … TO' : `${name}()`
    yield fileError({
      rule: 'W083',
      file,
      line: token.line,
      sentence: `${what} ends before the last position of the range, which belongs to it: that one would be lost between two ranges`,
      hint: 'add 1 to the bound',
    })
  }
}

const isFillWord = (token: Token) => isKeyword(token, 'FILL')

/** `at`: of the TO of a WITH FILL. */
function fillsTo(tokens: readonly Token[], at: number): boolean {
  const ends = (one: Token) =>
    one.depth < tokens[at]!.depth ||
    one.text === ',' ||
    isKeyword(one, 'STEP', 'STALENESS', 'INTERPOLATE', ...ENDS)
  const bound = tokens.slice(at + 1, at + NEAR)
  const end = bound.findIndex(ends)
  return isEnd(bound.slice(0, end === -1 ? undefined : end), 'to')
}

/** Names that stand for an end of the range: `hi` of `WITH toUInt32({to_block:UInt64}) AS hi`. */
function namedBounds(tokens: readonly Token[]): ReadonlyMap<string, readonly Token[]> {
  return new Map(
    [...namedExpressions(tokens)].filter(([, bound]) => isEnd(bound, 'from') || isEnd(bound, 'to')),
  )
}

function withBounds(tokens: readonly Token[], bounds: ReadonlyMap<string, readonly Token[]>) {
  if (bounds.size === 0) return tokens
  return tokens.flatMap((token) =>
    (bounds.get(unquoted(token)) ?? [token]).map((one) => ({ ...one, line: token.line, depth: token.depth })),
  )
}

/** The end of the range that the name before `at` leaves out: `block_number < {to_block:UInt64}`. */
function leftOut(tokens: readonly Token[], at: number): LeftOut | undefined {
  // The name may be in a function, or cast: `toUnixTimestamp(at) < …`
  const isCast = tokens[at]?.text === '::'
  const behind = tokens.findIndex(({ text }, index) => index >= (isCast ? at + 2 : at) && text !== ')')
  return behind === -1 ? undefined : endWithout(tokens[behind]!, boundBehind(tokens.slice(behind), 1), '<')
}

/** The same with the operands the other way round: `{to_block:UInt64} > block_number`. `at`: of the name. */
function leftOutBefore(tokens: readonly Token[], at: number): LeftOut | undefined {
  const behind = (tokens[at - 1]?.text === '.' ? at - 2 : at) - 1
  const from = tokens.findLastIndex(({ text }, index) => index < behind && text === '{')
  return from === -1 ? undefined : endWithout(tokens[behind]!, tokens.slice(from, behind), '>')
}

type LeftOut = { readonly end: string; readonly hint: string }

/** `below`: the operator that leaves out the last position. */
function endWithout({ text: operator }: Token, bound: readonly Token[], below: string): LeftOut | undefined {
  if (operator !== '<' && operator !== '>') return undefined
  if (!isEnd(bound, operator === below ? 'to' : 'from')) return undefined
  return operator === below
    ? { end: 'last', hint: `write ${operator}=, or add 1 to the bound` }
    : { end: 'first', hint: `write ${operator}=` }
}

/** `BETWEEN {from_block} AND {to_block} - 1`. Where both ends are moved the same way (`shifted`), other positions are meant. */
function cutOff(tokens: readonly Token[], at: number, shifted: Shifted): LeftOut | undefined {
  const first = tokens[at]
  const isLow = isKeyword(first, 'BETWEEN') || first?.text === '>='
  if (!shifted.back && isMoved(upperBound(tokens, at), 'to', '-'))
    return { end: 'last', hint: 'take nothing off the bound' }
  if (isLow && !shifted.ahead && isMoved(boundBehind(tokens.slice(at), 1), 'from', '+'))
    return { end: 'first', hint: 'add nothing to the bound' }
  return undefined
}

type Shifted = { readonly back: boolean; readonly ahead: boolean }

/** `{to_block:UInt64} - 1`, also within a function that makes a time of it. */
function isMoved(tokens: readonly Token[], which: 'from' | 'to', sign: '+' | '-'): boolean {
  return tokens.some((token, at) => {
    if (token.text !== '{' || ![which, `${which}_block`].includes(tokens[at + 1]?.text ?? '')) return false
    const rest = tokens.slice(at, at + NEAR)
    const end = rest.findIndex(({ text }) => text === '}')
    return end !== -1 && rest.find(({ text }, index) => index > end && text !== ')')?.text === sign
  })
}

/** What the name before `at` is at most: behind `<=`, or the AND of a BETWEEN. */
function upperBound(tokens: readonly Token[], at: number): readonly Token[] {
  const rest = tokens.slice(at)
  const isBetween = isKeyword(rest[0], 'BETWEEN')
  if (!isBetween && rest[0]?.text !== '<=') return []
  return boundBehind(rest, isBetween ? rest.findIndex((one) => isKeyword(one, 'AND')) + 1 : 1)
}

/** From `start` on, up to the end of the condition that begins with an operator. */
function boundBehind(condition: readonly Token[], start: number): readonly Token[] {
  const { depth } = condition[0]!
  const ends = (token: Token) => token.depth < depth || (token.depth === depth && isKeyword(token, ...ENDS))
  const bound = condition.slice(start)
  const end = bound.findIndex(ends)
  return bound.slice(0, end === -1 ? undefined : end)
}

const ENDS = ['AND', 'OR', 'GROUP', 'ORDER', 'LIMIT', 'SETTINGS', 'WINDOW', 'QUALIFY', 'HAVING', 'UNION']

/** Whether it is that end of the range as it is: nothing is added, and no other function than those that make a time of it. */
function isEnd(bound: readonly Token[], which: 'from' | 'to'): boolean {
  const calls = bound.filter((_, at) => bound[at + 1]?.text === '(').map(({ text }) => text)
  const moved = which === 'to' ? '+' : '-'
  return (
    isNamed(bound, which) &&
    !bound.some(({ text }) => text === moved) &&
    calls.every((name) => TIMES.test(name))
  )
}

function isNamed(bound: readonly Token[], which: 'from' | 'to'): boolean {
  const names = [which, `${which}_block`]
  return bound.some(({ text }, at) => names.includes(text) && bound[at - 1]?.text === '{')
}

const TIMES =
  /^(fromUnixTimestamp|FROM_UNIXTIME|toDateTime(64)?|to(U?Int(8|16|32|64|128|256))|(accurate)?Cast|assumeNotNull|identity|materialize)$/i
