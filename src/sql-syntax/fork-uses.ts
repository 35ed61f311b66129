// Owns how a transform uses forks: only to compare a row's own block with them, or in any other way. A fork that moves
// then changes the rows of the blocks between its old and its new number, or maybe all rows. Pure.
import type { TableDefinition } from '../model/model.ts'
import { RUNNER_PARAMETERS } from './parameters.ts'
import { normalForm } from './statements.ts'

/**
 * `from`: it tells blocks before the fork from those at or after it. `after`: it tells blocks up to the fork from those
 * after it. `anyhow`: in any other way, so that every row may depend on it.
 */
export type ForkUse = { readonly fork: string; readonly use: 'from' | 'after' | 'anyhow' }

export function forkUses({
  transform,
  parameters,
  params,
}: Pick<TableDefinition, 'transform' | 'parameters' | 'params'>): readonly ForkUse[] {
  const forks = parameters.filter(
    (name) => !Object.hasOwn(RUNNER_PARAMETERS, name) && params.every((own) => own.name !== name),
  )
  if (forks.length === 0) return []
  // What stands in a string is no statement.
  const text = normalForm(transform).replaceAll(/'(?:[^'\\]|\\.|'')*'/gs, "''")
  // A statement that reads rows of other blocks may compare these with a fork.
  const positions = count(text, TABLE) <= count(text, BOUND) ? positionNames(text) : new Set<string>()
  const uses = [...text.matchAll(/\{ (\w+) : [^}]*\}/g)].flatMap(({ 0: all, 1: fork, index }): ForkUse[] => {
    if (!forks.includes(fork!)) return []
    const after = text.slice(index + all.length, index + all.length + REACH)
    return [{ fork: fork!, use: useBetween(before(text, index), after, positions) }]
  })
  return [...new Map(uses.map((one) => [`${one.fork} ${one.use}`, one])).values()]
}

/** Every table that it reads is bounded by `BETWEEN {from_block:UInt64} AND {to_block:UInt64}`. */
const TABLE = /\{ (?:source|target) : \w+ \} \./g
const BOUND = /(?<! NOT )\bBETWEEN \{ from(?:_block)? : [^}]*\} AND \{ to(?:_block)? :/gi

const count = (text: string, pattern: RegExp): number => [...text.matchAll(pattern)].length

const REACH = 400

const before = (text: string, index: number): string => text.slice(Math.max(0, index - REACH), index)

/** Nothing to the left of what follows belongs to it. */
const START = String.raw`(?:[(,[]|\b(?:SELECT|DISTINCT|WHERE|PREWHERE|HAVING|AND|OR|NOT|ON|WHEN|THEN|ELSE|BY)) `
/** `block` or `t . block`. */
const COLUMN = '(?:[`"]?\\w+[`"]? \\. )?[`"]?(\\w+)[`"]?'
/** Nothing to the right of an expression belongs to it. */
const END = /^(?:$| [),\]]| (?!(?:DIV|MOD|IN|IS|LIKE)\b)[a-z_])/i

/** A column, bare or in one function that keeps a block what it is. */
const NAMED = new RegExp(`${START}(?:${COLUMN}|(?:toUInt(?:32|64)|min|max|any) \\( ${COLUMN} \\)) $`, 'i')

/** What may stand before a column that is read; any other word, or the end of an expression, is what the name is given to. */
const BEFORE_COLUMN =
  /(?:^|[(,[.=<>+*/%!?:|-]|\b(?:SELECT|DISTINCT|WHERE|PREWHERE|HAVING|AND|OR|NOT|ON|USING|CASE|WHEN|THEN|ELSE|BY|BETWEEN|IN|LIKE|ILIKE|DIV|MOD|WITH|AS)) $/i

/** Rows of other blocks decide on a row here. */
const ACROSS_ROWS = /\b(?:OVER|LIMIT|OFFSET|FETCH|QUALIFY|WINDOW)\b/i

/** The names that mean a row's own block: `block_number`, and aliases of such names. */
function positionNames(text: string): ReadonlySet<string> {
  if (ACROSS_ROWS.test(text)) return new Set()
  const aliases = [...text.matchAll(/\bAS [`"]?(\w+)/gi)].map(({ 1: name, index }) => {
    const [, bare, inside] = NAMED.exec(before(text, index)) ?? []
    return { name: name!, of: bare ?? inside }
  })
  // `slot block_number`: an alias without AS.
  const given = new Set(
    [...text.matchAll(/[`"]?(\w+)[`"]?/g)].flatMap(({ 1: name, index }) =>
      BEFORE_COLUMN.test(before(text, index)) ? [] : [name],
    ),
  )
  const names = new Set(
    ['block_number', ...aliases.map(({ name }) => name)].filter((name) => !given.has(name)),
  )
  let size: number
  do {
    size = names.size
    for (const { name, of } of aliases) if (of === undefined || !names.has(of)) names.delete(name)
  } while (names.size < size)
  return names
}

const LEFT = new RegExp(`${START}${COLUMN} (>=|<=|>|<) $`, 'i')
const RIGHT = new RegExp(`^ (>=|<=|>|<) ${COLUMN}(.*)`, 'is')
const FIRST = new RegExp(`${START}${COLUMN} (?:NOT )?BETWEEN $`, 'i')
const LAST = new RegExp(`${START}${COLUMN} (?:NOT )?BETWEEN (?:\\{[^}]*\\}|\\S+) AND $`, 'i')
const ENDS_WITH_START = new RegExp(`${START}$`, 'i')

function useBetween(left: string, right: string, positions: ReadonlySet<string>): ForkUse['use'] {
  const isPosition = (found: RegExpExecArray | null, group: number) => positions.has(found?.[group] ?? '')
  const compared = LEFT.exec(left)
  if (isPosition(compared, 1) && END.test(right)) return /^(>=|<)$/.test(compared![2]!) ? 'from' : 'after'
  if (isPosition(FIRST.exec(left), 1) && /^ AND\b/i.test(right)) return 'from'
  if (isPosition(LAST.exec(left), 1) && END.test(right)) return 'after'
  const mirrored = RIGHT.exec(right)
  if (!ENDS_WITH_START.test(left) || !isPosition(mirrored, 2) || !END.test(mirrored![3]!)) return 'anyhow'
  return /^(<=|>)$/.test(mirrored![1]!) ? 'from' : 'after'
}
