// Owns the values of a header's parameters: a literal as ClickHouse reads it, in the form in which it is bound. Pure.
import { isKeyword, type Token } from './lexer.ts'
import { closingAt, compactText, splitAtCommas } from './tokens.ts'

/** A value that is bound exactly as this text: escapes in it are the server's to read. */
export class BoundText {
  readonly text: string

  constructor(text: string) {
    this.text = text
  }

  toString(): string {
    return this.text
  }
}

/**
 * The text to bind for a literal: the content of a string, with the escapes as written; `['a', 1]` for arrays, tuples and maps.
 * @returns `problem`: why the literal is no value of the type, as the end of a sentence
 */
export function boundText(
  type: readonly Token[],
  literal: readonly Token[],
): { readonly text: string } | { readonly problem: string } {
  const problem = misfit(type, literal)
  if (problem !== undefined) return { problem }
  const [only] = literal
  if (literal.length > 1 || only === undefined) return { text: nested(literal) }
  if (isKeyword(only, 'NULL')) return { text: '\\N' }
  if (only.kind === 'string') return { text: content(only) }
  return { text: only.kind === 'number' ? only.text.replaceAll('_', '') : only.text }
}

/** Strings and escaped text are read by the same rules, but for doubled quotes. */
function content({ text }: Token): string {
  return text.slice(1, -1).replaceAll(/\\[^]|''|\t|\n/g, (found) => ESCAPED[found] ?? found)
}

const ESCAPED: Readonly<Record<string, string>> = { "''": "\\'", '\t': '\\t', '\n': '\\n' }

const BRACKETS: Readonly<Record<string, readonly [string, string]>> = {
  array: ['[', ']'],
  tuple: ['(', ')'],
  map: ['{', '}'],
}

/** `array(1)`, `tuple(1)` and `map('a', 1)` become `[1]`, `(1)` and `{'a': 1}`: bound text knows no functions. */
function nested(tokens: readonly Token[]): string {
  const [first, open] = tokens
  const brackets = BRACKETS[first?.text.toLowerCase() ?? '']
  if (open?.text === '(' && brackets !== undefined) {
    const items = splitAtCommas(tokens.slice(2, -1)).map(nested)
    const isMap = brackets[0] === '{'
    const joined = items.map((item, at) =>
      at === 0 ? item : isMap && at % 2 === 1 ? `:${item}` : `, ${item}`,
    )
    return brackets[0] + joined.join('') + brackets[1]
  }
  const close = closingAt(tokens, 0)
  if (close === -1 || close !== tokens.length - 1)
    return compactText(
      tokens.map((token) => (token.kind === 'string' ? { ...token, text: `'${content(token)}'` } : token)),
    )
  const items = splitAtCommas(tokens.slice(1, -1)).map(nested)
  return `${first!.text}${items.join(', ')}${tokens[close]!.text}`
}

/** The server would wrap a number that its type cannot hold, and cut digits off, silently. */
function misfit(type: readonly Token[], literal: readonly Token[]): string | undefined {
  const name = type[0]?.text ?? ''
  const inner = splitAtCommas(type.slice(2, -1))
  const first = literal[0]
  const written = `${compactText(literal)} is not a value of ${compactText(type)}`
  if (name === 'Nullable' || name === 'LowCardinality')
    return literal.length === 1 && isKeyword(first, 'NULL') ? undefined : misfit(inner[0] ?? [], literal)
  if (name === 'Array' || name === 'Tuple' || name === 'Map') {
    const isCall = BRACKETS[first?.text.toLowerCase() ?? ''] !== undefined
    const open = isCall ? 1 : 0
    if (literal.length < 2 || closingAt(literal, open) !== literal.length - 1) return written
    const items = splitAtCommas(literal.slice(open + 1, -1)).flatMap((item) => {
      const colon =
        name === 'Map' ? item.findIndex(({ text, depth }) => text === ':' && depth === item[0]!.depth) : -1
      return colon === -1 ? [item] : [item.slice(0, colon), item.slice(colon + 1)]
    })
    if (name === 'Tuple' && items.length !== inner.length) return written
    const typeOf = (at: number) => (name === 'Array' ? inner[0] : inner[at % inner.length])
    return items
      .map((item, at) => misfit(unnamed(typeOf(at) ?? []), item))
      .find((problem) => problem !== undefined)
  }
  const [, unsigned, bits] = /^(U?)Int(\d+)$/.exec(name) ?? []
  if (bits !== undefined) {
    const text = (first?.kind === 'string' ? content(first) : compactText(literal)).replaceAll('_', '')
    if (!/^[-+]?\d+$/.test(text)) return written
    const value = BigInt(text.replace('+', ''))
    const fits = unsigned === 'U' ? BigInt.asUintN(Number(bits), value) : BigInt.asIntN(Number(bits), value)
    return fits === value ? undefined : `${text} does not fit into ${name}`
  }
  const digits = /^Decimal\((\d+), (\d+)\)$/.exec(compactText(type))
  if (digits !== null) {
    const [, whole = '', fraction = ''] =
      /^[-+]?0*(\d*)\.?(\d*?)0*$/.exec(compactText(literal).replace(/^'|'$/g, '')) ?? []
    const [precision, scale] = [Number(digits[1]), Number(digits[2])]
    if (fraction.length > scale || whole.length > precision - scale)
      return `${compactText(literal)} does not fit into ${compactText(type)}`
  }
  return undefined
}

/** `Tuple(a UInt8)`: the name of an element stands before its type. */
function unnamed(type: readonly Token[]): readonly Token[] {
  return type[1] !== undefined && type[1].text !== '(' ? type.slice(1) : type
}
