// Owns the ClickHouse lexer, from SQL text to tokens, and operations on lists of tokens. All other code that reads SQL uses it.
import { fileError } from '../model/errors.ts'
import type { SqlText } from '../model/model.ts'

type TokenKind =
  | 'white'
  | 'comment'
  | 'string'
  | 'heredoc'
  /** A quoted identifier; a bare one is a `word`, like a keyword. */
  | 'identifier'
  | 'number'
  | 'word'
  | 'punctuation'

export type Token = {
  readonly kind: TokenKind
  readonly text: string
  readonly line: number
  /** Brackets around it; a bracket is outside of itself. */
  readonly depth: number
  /** Offset of the character after it in the text. */
  readonly end: number
}

/** Joined, their texts are the input. Throws a usage error with file and line for what is not closed, or unknown to ClickHouse. */
export function* lex(sql: SqlText): Generator<Token, void> {
  let [line, depth, end] = [sql.line, 0, 0]
  let before: Token | undefined
  while (end < sql.text.length) {
    const read = readToken(sql.text, end, before)
    if ('sentence' in read) throw fileError({ rule: 'E020', file: sql.file, line, ...read })
    end += read.text.length
    if (CLOSING.has(read.text)) depth--
    const token: Token = { ...read, line, depth, end }
    if (OPENING.has(read.text)) depth++
    yield token
    if (isSignificant(token)) before = token
    line += token.text.split('\n').length - 1
  }
}

export const PARTNERS: Readonly<Record<string, string>> = { '(': ')', '[': ']', '{': '}' }
export const OPENING: ReadonlySet<string> = new Set(Object.keys(PARTNERS))
export const CLOSING: ReadonlySet<string> = new Set(Object.values(PARTNERS))

/** The tokens without white space and comments. Cached, because several checks read each statement. */
export function significantTokens(sql: SqlText): readonly Token[] {
  const tokens = remembered.get(sql) ?? [...lex(sql)].filter(isSignificant)
  remembered.set(sql, tokens)
  return tokens
}

const remembered = new WeakMap<SqlText, readonly Token[]>()

export function isSignificant(token: Token): boolean {
  return token.kind !== 'white' && token.kind !== 'comment'
}

/** Whether the token is this bare keyword, in any case. A quoted identifier never is. */
export function isKeyword(token: Token | undefined, ...keywords: readonly string[]): boolean {
  return token?.kind === 'word' && keywords.includes(token.text.toUpperCase())
}

export function isName(token: Token | undefined): token is Token {
  return token?.kind === 'word' || token?.kind === 'identifier'
}

/** The name in a word or a quoted identifier, the content of a string; other tokens as written. */
export function unquoted(token: Token): string {
  if (token.kind !== 'identifier' && token.kind !== 'string') return token.text
  const quote = token.text.charAt(0)
  return token.text
    .slice(1, -1)
    .replaceAll(
      /\\([^])|''|""|``/g,
      (pair, escaped?: string) => escaped ?? (pair[0] === quote ? quote : pair),
    )
}

// Order matters. Word characters are ASCII; ClickHouse also accepts Unicode white space, curly quotes and the minus sign
// of word processors. If a quote or comment is not closed, no rule matches.
const RULES: readonly (readonly [TokenKind, RegExp])[] = [
  ['white', /[\s\u180e\u200b-\u200d\u2060]+/],
  ['comment', /(?:--|\/\/|#[ !])[^\n]*/],
  ['string', /[bBxX]?'[^'\\]*(?:(?:\\[^]|'')[^'\\]*)*'|‘[^’]*’/],
  ['identifier', /"[^"\\]*(?:(?:\\[^]|"")[^"\\]*)*"|`[^`\\]*(?:(?:\\[^]|``)[^`\\]*)*`|“[^”]*”/],
  ['word', /(?!\$\w*\$|[bBxX]')[A-Za-z_$][\w$]*/],
  ['number', /0[xX][\da-fA-F][\da-fA-F_]*(?:\.[\da-fA-F_]*)?(?:[pP][+-]?\d+)?\w*/],
  // A name may begin with a digit: `24h_gas`. `1e5` and `0b1` are numbers.
  ['word', /(?!0[bB][01]|\d[\d_]*(?:[eE][+-]?\d[\d_]*)?(?!\w))\d\w*/],
  ['number', /(?:\d[\d_]*(?:\.[\d_]*)?|\.\d[\d_]*)(?:[eE][+-]?\d+)?\w*/],
  ['punctuation', /->|<=>|[<>!=]=|<>|::|\|\||@@|\\G|\/(?!\*)|\$(?!\w*\$)|[-−+*%=<>!?:|@^&~.,;()[\]{}]/],
  ['heredoc', /\$(?<tag>\w*)\$[^]*?\$\k<tag>\$/],
]

/** All rules in one pattern, rule n in group n + 1: much faster than one after the other. */
const TOKEN = new RegExp(RULES.map(([, rule]) => `(${rule.source})`).join('|'), 'y')
const OPENED: readonly (readonly [string, RegExp])[] = [
  ['comment', /\/\*/y],
  ['string', /[bBxX]?'|‘/y],
  ['quoted identifier', /["`“]/y],
  ['heredoc', /\$\w*\$/y],
]

type Read = Pick<Token, 'kind' | 'text'>

function readToken(text: string, offset: number, before: Token | undefined) {
  const comment = readBlockComment(text, offset)
  if (comment !== undefined) return { kind: 'comment' as const, text: comment }
  const access = readTupleAccess(text, offset, before)
  if (access !== undefined) return access
  TOKEN.lastIndex = offset
  const found = TOKEN.exec(text)
  if (found !== null) return { kind: RULES[found.indexOf(found[0], 1) - 1]![0], text: found[0] }
  const opened = OPENED.find(([, rule]) => matchAt(rule, text, offset) !== undefined)
  if (opened !== undefined) {
    return { sentence: `the ${opened[0]} that begins here is never closed`, hint: 'close it' }
  }
  const character = String.fromCodePoint(text.codePointAt(offset) ?? 0)
  return { sentence: `ClickHouse does not know the character '${character}' here`, hint: 'remove it' }
}

function readBlockComment(text: string, offset: number): string | undefined {
  if (!text.startsWith('/*', offset)) return undefined
  let depth = 0
  const border = /\/\*|\*\//g
  border.lastIndex = offset
  for (let found = border.exec(text); found !== null; found = border.exec(text)) {
    depth += found[0] === '/*' ? 1 : -1
    if (depth === 0) return text.slice(offset, border.lastIndex)
  }
  return undefined
}

/** `x.1.1` is two tuple accesses and `1 .5` one, but `= .5` is a number: the token before decides. */
function readTupleAccess(text: string, offset: number, before: Token | undefined): Read | undefined {
  if (before === undefined) return undefined
  if (before.text === '.') {
    const index = matchAt(WHOLE, text, offset)
    return index === undefined ? undefined : { kind: 'number', text: index }
  }
  const isAccess = text[offset] === '.' && (ACCESSIBLE.has(before.kind) || /^[)\]]$/.test(before.text))
  return isAccess ? { kind: 'punctuation', text: '.' } : undefined
}

const WHOLE = /\d\w*/y
const ACCESSIBLE: ReadonlySet<TokenKind> = new Set(['word', 'identifier', 'number'])

function matchAt(rule: RegExp, text: string, offset: number): string | undefined {
  rule.lastIndex = offset
  return rule.exec(text)?.[0]
}

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
  return tokens
    .map((token, at) => (needsSpace(tokens[at - 1], token) ? ` ${token.text}` : token.text))
    .join('')
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
