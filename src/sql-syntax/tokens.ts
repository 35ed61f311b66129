// Owns operations on token lists: split at commas, count brackets, replace tokens, print them.
import type { SqlText } from '../model/model.ts'
import { isSignificant, lex, type Token } from './lexer.ts'

/** The items between the commas outside of any bracket; none for no tokens. */
export function splitAtCommas(tokens: readonly Token[]): readonly (readonly Token[])[] {
  if (tokens.length === 0) return []
  const items: Token[][] = [[]]
  for (const { token, depth } of withDepth(tokens)) {
    if (depth === 0 && token.text === ',') items.push([])
    else items.at(-1)?.push(token)
  }
  return items
}

/** Each token with the number of brackets around it; a bracket counts as outside of itself. */
export function withDepth(
  tokens: readonly Token[],
): readonly { readonly token: Token; readonly depth: number }[] {
  let depth = 0
  return tokens.map((token) => {
    if (CLOSING.has(token.text)) depth--
    const outer = depth
    if (OPENING.has(token.text)) depth++
    return { token, depth: outer }
  })
}

export const OPENING: ReadonlySet<string> = new Set(['(', '[', '{'])
const CLOSING: ReadonlySet<string> = new Set([')', ']', '}'])

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
