// Owns how a transform uses forks: only to compare a row's own block with them, or in any other way. A fork that moves
// then changes the rows of the blocks between its old and its new number, or maybe all rows. Pure.
import type { ForkUse } from '../model/fork-use.ts'
import type { TableDefinition } from '../model/model.ts'
import { isKeyword, significantTokens, type Token, unquoted } from './lexer.ts'
import { RUNNER_PARAMETERS } from './parameters.ts'

/** Each use of a fork in the transform. */
export function forkUses({
  transform,
  parameters,
  params,
}: Pick<TableDefinition, 'transform' | 'parameters' | 'params'>): readonly ForkUse[] {
  const forks = parameters.filter(
    (name) => !Object.hasOwn(RUNNER_PARAMETERS, name) && params.every((own) => own.name !== name),
  )
  if (forks.length === 0) return []
  const tokens = joined(significantTokens(transform))
  // A statement that reads rows of other blocks may compare these with a fork.
  const positions = readsOnlyItsRange(tokens) ? positionNames(tokens) : new Set<string>()
  const uses = tokens.flatMap(({ parameter }, index): readonly ForkUse[] =>
    parameter !== undefined && forks.includes(parameter)
      ? [{ fork: parameter, use: useAt(tokens, index, positions) }]
      : [],
  )
  return [...new Map(uses.map((one) => [`${one.fork} ${one.use}`, one])).values()]
}

/** A token, or a whole parameter `{name:Type}`. */
type Word = Token & { readonly parameter?: string }

function joined(tokens: readonly Token[]): readonly Word[] {
  const words: Word[] = []
  for (let index = 0; index < tokens.length; index++) {
    const [token, name, colon] = [tokens[index]!, tokens[index + 1], tokens[index + 2]]
    if (token.text === '{' && name !== undefined && colon?.text === ':') {
      while (index < tokens.length && tokens[index]?.text !== '}') index++
      words.push({ ...token, text: '{}', parameter: name.text })
    } else words.push(token)
  }
  return words
}

/** Every table that it reads is bounded by `BETWEEN {from_block:UInt64} AND {to_block:UInt64}`. */
function readsOnlyItsRange(words: readonly Word[]): boolean {
  const count = (is: (word: Word, index: number) => boolean) => words.filter(is).length
  const reads = count(
    ({ parameter }, index) =>
      (parameter === 'source' || parameter === 'target') && words[index + 1]?.text === '.',
  )
  const bounds = count(
    ({ parameter }, index) =>
      /^from(_block)?$/.test(parameter ?? '') &&
      isKeyword(words[index - 1], 'BETWEEN') &&
      !isKeyword(words[index - 2], 'NOT') &&
      /^to(_block)?$/.test(words[index + 2]?.parameter ?? ''),
  )
  return reads <= bounds
}

/** The names that mean a row's own block: `block_number`, and aliases of such names. */
function positionNames(words: readonly Word[]): ReadonlySet<string> {
  const aliases = words.flatMap((word, index) => {
    const name = words[index + 1]
    return isKeyword(word, 'AS') && (name?.kind === 'word' || name?.kind === 'identifier')
      ? [{ name: unquoted(name), of: expressionBefore(words, index) }]
      : []
  })
  let names = new Set(['block_number', ...aliases.map(({ name }) => name)])
  for (;;) {
    const kept = new Set(
      [...names].filter((name) =>
        aliases.every((alias) => alias.name !== name || (alias.of !== undefined && names.has(alias.of))),
      ),
    )
    if (kept.size === names.size) return kept
    names = kept
  }
}

/** The column before the word at `end`, bare or in one function that keeps a block what it is; undefined for all else. */
function expressionBefore(words: readonly Word[], end: number): string | undefined {
  const inside = words[end - 1]?.text === ')' && words[end - 3]?.text === '('
  const column = columnEndingAt(words, inside ? end - 2 : end - 1)
  if (column === undefined) return undefined
  if (!inside) return isStart(words[column.start - 1]) ? column.name : undefined
  const [paren, name] = [words[column.start - 1], words[column.start - 2]]
  const keeps = paren?.text === '(' && name !== undefined && KEEPS_BLOCK.test(name.text)
  return keeps && isStart(words[column.start - 3]) ? column.name : undefined
}

const KEEPS_BLOCK = /^(toUInt(32|64)|min|max|any)$/

/** `block` or `t.block`, with the index of its first word. */
function columnEndingAt(
  words: readonly Word[],
  index: number,
): { readonly name: string; readonly start: number } | undefined {
  const word = words[index]
  if (word?.kind !== 'word' && word?.kind !== 'identifier') return undefined
  return { name: unquoted(word), start: words[index - 1]?.text === '.' ? index - 2 : index }
}

/** Nothing to the left of an expression belongs to it. */
function isStart(word: Word | undefined): boolean {
  return (
    word === undefined ||
    ['(', ',', '['].includes(word.text) ||
    isKeyword(
      word,
      'SELECT',
      'DISTINCT',
      'WHERE',
      'PREWHERE',
      'HAVING',
      'AND',
      'OR',
      'NOT',
      'ON',
      'WHEN',
      'THEN',
      'ELSE',
      'BY',
    )
  )
}

/** Nothing to the right of an expression belongs to it. */
function isEnd(word: Word | undefined): boolean {
  return (
    word === undefined ||
    [')', ',', ']'].includes(word.text) ||
    (word.kind === 'word' && !isKeyword(word, 'DIV', 'MOD', 'IN', 'IS', 'LIKE'))
  )
}

/** Operators between a block on the left and a fork on the right. */
const USES: Readonly<Record<string, ForkUse['use']>> = {
  '>=': 'from',
  '<': 'from',
  '>': 'after',
  '<=': 'after',
}
const MIRRORED: Readonly<Record<string, ForkUse['use']>> = {
  '<=': 'from',
  '>': 'from',
  '<': 'after',
  '>=': 'after',
}

function useAt(words: readonly Word[], index: number, positions: ReadonlySet<string>): ForkUse['use'] {
  const isPosition = (column: ReturnType<typeof columnEndingAt>) =>
    column !== undefined && positions.has(column.name) && isStart(words[column.start - 1])
  const [before, next] = [words[index - 1], words[index + 1]]
  const left = before === undefined ? undefined : USES[before.text]
  if (left !== undefined && isEnd(next) && isPosition(columnEndingAt(words, index - 2))) return left
  const between = (at: number) => {
    const column = columnEndingAt(words, isKeyword(words[at - 1], 'NOT') ? at - 2 : at - 1)
    return isKeyword(words[at], 'BETWEEN') && isPosition(column)
  }
  if (between(index - 1) && isKeyword(next, 'AND')) return 'from'
  if (isKeyword(before, 'AND') && isEnd(next) && between(index - 3)) return 'after'
  const right = next === undefined ? undefined : MIRRORED[next.text]
  if (right === undefined || !isStart(before)) return 'anyhow'
  const last = words[index + 3]?.text === '.' ? index + 4 : index + 2
  const column = columnEndingAt(words, last)
  return column?.start === index + 2 && positions.has(column.name) && isEnd(words[last + 1])
    ? right
    : 'anyhow'
}
