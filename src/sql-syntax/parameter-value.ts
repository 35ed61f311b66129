// Owns a header parameter's literal: whether its type holds it, and the text in which it is bound. Pure.
import { closingAt, compactText, isKeyword, PARTNERS, splitAtCommas, type Token } from './lexer.ts'

/** With escapes as written; `['a', 1]` for arrays, tuples and maps. @returns `problem`: why it is no value of the type, as the end of a sentence */
export function boundText(
  type: readonly Token[],
  literal: readonly Token[],
): { readonly text: string } | { readonly problem: string } {
  const value = valueOf(literal)
  const problem = misfit(type, value)
  if (problem !== undefined) return { problem }
  const [only] = literal
  if (literal.length > 1 || only === undefined) return { text: nested(value) }
  if (isKeyword(only, 'NULL')) return { text: '\\N' }
  if (only.kind === 'string') return { text: content(only) }
  return { text: only.kind === 'number' ? only.text.replaceAll('_', '') : only.text }
}

/** A literal, and the items between its brackets, if it has any: keys and values of a map follow one another. */
type Value = { readonly tokens: readonly Token[]; readonly open: string; readonly items: readonly Value[] }

/** `array(1)`, `tuple(1)` and `map('a', 1)` mean `[1]`, `(1)` and `{'a': 1}`: bound text knows no functions. */
const OPENED_BY: Readonly<Record<string, string>> = { array: '[', tuple: '(', map: '{' }

function valueOf(tokens: readonly Token[]): Value {
  const called = OPENED_BY[tokens[0]?.text.toLowerCase() ?? '']
  const at = called === undefined ? 0 : 1
  if (closingAt(tokens, at) !== tokens.length - 1) return { tokens, open: '', items: [] }
  const items = splitAtCommas(tokens.slice(at + 1, -1)).flatMap((item) => {
    const isMap = tokens[at]!.text === '{'
    const colon = item.findIndex(({ text, depth }) => isMap && text === ':' && depth === item[0]!.depth)
    return colon === -1 ? [item] : [item.slice(0, colon), item.slice(colon + 1)]
  })
  return { tokens, open: called ?? tokens[0]!.text, items: items.map(valueOf) }
}

function nested({ tokens, open, items }: Value): string {
  if (open === '')
    return compactText(
      tokens.map((token) => (token.kind === 'string' ? { ...token, text: `'${content(token)}'` } : token)),
    )
  const separators = items.map((_, at) => (at === 0 ? '' : open === '{' && at % 2 === 1 ? ':' : ', '))
  return open + items.map((item, at) => separators[at] + nested(item)).join('') + PARTNERS[open]
}

/** Strings and escaped text are read by the same rules, but for doubled quotes. */
function content({ text }: Token): string {
  return text.slice(1, -1).replaceAll(/\\[^]|''|\t|\n/g, (found) => ESCAPED[found] ?? found)
}

const ESCAPED: Readonly<Record<string, string>> = { "''": "\\'", '\t': '\\t', '\n': '\\n' }

/** The server would wrap a number that its type cannot hold, cut digits off, and take an expression for its text, silently. */
function misfit(type: readonly Token[], value: Value): string | undefined {
  const { tokens, open, items } = value
  const inner = splitAtCommas(type.slice(2, -1))
  const [first] = tokens
  const literal = compactText(tokens)
  const written = `${literal} is not a value of ${compactText(type)}`
  const name = type[0]?.text ?? ''
  const isNull = tokens.length === 1 && isKeyword(first, 'NULL')
  if (name === 'LowCardinality' || (name === 'Nullable' && !isNull)) return misfit(inner[0] ?? [], value)
  if (isNull) return ['Nullable', 'Variant', 'Dynamic'].includes(name) ? undefined : written
  if (name === 'Array' || name === 'Tuple' || name === 'Map') {
    if (open === '' || (name === 'Tuple' && items.length !== inner.length)) return written
    const typeOf = (at: number) => unnamed(inner[at % inner.length] ?? [], name)
    return items.map((item, at) => misfit(typeOf(at), item)).find((problem) => problem !== undefined)
  }
  const isSigned = first?.text === '-' || first?.text === '+'
  if (open === '' && (tokens.length > (isSigned ? 2 : 1) || first?.kind === 'heredoc'))
    return `${literal} is not one literal, such as 1 or 'a'`
  const text = first?.kind === 'string' ? content(first) : literal
  const [, unsigned, bits] = /^(U?)Int(\d+)$/.exec(integerName(type)) ?? []
  if (bits !== undefined) {
    const digits = text.replaceAll('_', '')
    if (!/^[-+]?\d+$/.test(digits)) return written
    const number = BigInt(digits.replace('+', ''))
    const fits = unsigned === 'U' ? BigInt.asUintN(Number(bits), number) : BigInt.asIntN(Number(bits), number)
    return fits === number ? undefined : `${digits} does not fit into ${compactText(type)}`
  }
  const decimal = /^(?:Decimal|DEC|NUMERIC|FIXED)(\d*)(?:\((\d+)(?:, (\d+))?\))?$/i.exec(compactText(type))
  if (decimal === null) return undefined
  const [, width = '', one = '10', other = '0'] = decimal
  const [precision, scale] = width === '' ? [one, other] : [DIGITS[width] ?? '0', one]
  const [, whole, fraction = '', exponent = '0'] =
    /^[-+]?0*(\d*)\.?(\d*?)0*(?:e([-+]?\d+))?$/i.exec(text) ?? []
  if (whole === undefined) return written
  const isCut = fraction.length - Number(exponent) > Number(scale)
  return isCut || whole.length + Number(exponent) > Number(precision) - Number(scale)
    ? `${literal} does not fit into ${compactText(type)}`
    : undefined
}

/** Of Decimal32(scale) and its like. */
const DIGITS: Readonly<Record<string, string>> = { 32: '9', 64: '18', 128: '38', 256: '76' }

/** What the server calls the integers of standard SQL, in any case. */
const INTEGERS: readonly (readonly [pattern: RegExp, name: string])[] = [
  [/^(TINYINT|INT1|BYTE)\b/i, 'Int8'],
  [/^SMALLINT\b/i, 'Int16'],
  [/^(INT|INTEGER|MEDIUMINT)\b/i, 'Int32'],
  [/^(BIGINT|SIGNED)\b/i, 'Int64'],
  [/^(BIT|SET|UNSIGNED)$/i, 'UInt64'],
  [/^YEAR$/i, 'UInt16'],
]

/** `UInt8` for TINYINT UNSIGNED; other types as they are. */
function integerName(type: readonly Token[]): string {
  const text = compactText(type)
  const name = INTEGERS.find(([pattern]) => pattern.test(text))?.[1]
  if (name === undefined) return text
  return / UNSIGNED$/i.test(text) ? `U${name}` : name
}

/** An element of a tuple may have a name before its type. */
function unnamed(type: readonly Token[], container: string): readonly Token[] {
  const isNamed = container === 'Tuple' && type[1] !== undefined && !/^(\(|(UN)?SIGNED)$/i.test(type[1].text)
  return isNamed ? type.slice(1) : type
}
