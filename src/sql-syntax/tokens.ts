// Owns operations on token lists: split at commas, match brackets, replace tokens, print them.
import type { SqlText } from '../model/model.ts'
import { isName, isSignificant, lex, OPENING, significantTokens, type Token, unquoted } from './lexer.ts'

/** The items between the commas outside of any bracket; none for no tokens. */
export function splitAtCommas(tokens: readonly Token[]): readonly (readonly Token[])[] {
  const [first] = tokens
  if (first === undefined) return []
  const items: Token[][] = [[]]
  for (const token of tokens) {
    if (token.depth === first.depth && token.text === ',') items.push([])
    else items.at(-1)?.push(token)
  }
  return items
}

/** Index of the bracket that closes the one at `open`; -1 if none does, or if there is no bracket. */
export function closingAt(tokens: readonly Token[], open: number): number {
  const bracket = tokens[open]
  if (bracket === undefined || !OPENING.has(bracket.text)) return -1
  for (let at = open + 1; at < tokens.length; at++) if (tokens[at]!.depth === bracket.depth) return at
  return -1
}

/** The same for every bracket at once, for whoever asks about many: index of a bracket -> index of the one that closes it. */
export function closings(tokens: readonly Token[]): ReadonlyMap<number, number> {
  const found = new Map<number, number>()
  const open = new Map<number, number>()
  for (const [at, { depth, text }] of tokens.entries()) {
    const bracket = open.get(depth)
    if (bracket !== undefined) found.set(bracket, at)
    if (OPENING.has(text)) open.set(depth, at)
    else open.delete(depth)
  }
  return found
}

export function joined(tokens: readonly Token[]): string {
  return tokens.map(({ text }) => text).join(' ')
}

/** Tokens as ClickHouse prints a type or a literal: `Decimal(10, 2)`, `Enum8('a' = 1)`, `[1, -2]`. */
export function compactText(tokens: readonly Token[]): string {
  let text = ''
  let before: Token | undefined
  for (const token of tokens) {
    text += needsSpace(before, token) ? ` ${token.text}` : token.text
    before = token
  }
  return text
}

function needsSpace(before: Token | undefined, token: Token): boolean {
  if (before === undefined) return false
  if (before.text === ',' || before.text === '=' || token.text === '=') return true
  return before.kind !== 'punctuation' && token.kind !== 'punctuation'
}

/** The statement with the significant tokens at these indices replaced; everything else stays, lines included. */
export function withReplaced(sql: SqlText, texts: ReadonlyMap<number, string>): string {
  let index = -1
  let text = ''
  for (const token of lex(sql)) {
    if (isSignificant(token)) index++
    text += isSignificant(token) ? (texts.get(index) ?? token.text) : token.text
  }
  return text
}

/** Tokens that were joined by blanks, as a person would write them. */
export function unspaced(text: string): string {
  return text
    .replaceAll(/([\w`]) \(/g, '$1(')
    .replaceAll('( ', '(')
    .replaceAll(/ ([),])/g, '$1')
    .replaceAll(' . ', '.')
}

/** The columns that an expression names: what is no function. */
export function columnsIn(expression: string): readonly string[] {
  const tokens = significantTokens({ file: '', text: expression, line: 1 })
  const names = tokens.filter((token, at) => isName(token) && tokens[at + 1]?.text !== '(').map(unquoted)
  return [...new Set(names)]
}
