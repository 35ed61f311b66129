// Owns reading a ClickHouse data type: `Array(Nullable(UInt64))` to a tree.
import { isName, significantTokens, type Token } from './lexer.ts'
import { compactText, splitAtCommas } from './tokens.ts'

export type DataType = {
  /** `UInt64`, `Array`; a literal argument such as `66` or `'a' = 1` is a name without arguments. */
  readonly name: string
  readonly args: readonly DataType[]
  /** Name of a tuple's element, where it has one. */
  readonly label: string | undefined
}

/** Reads a type as `DESCRIBE` prints it. Throws a usage error for text that cannot be lexed. */
export function parseType(text: string): DataType {
  const tokens = significantTokens({ file: text, text, line: 1 })
  // No type nests so deep: what does is taken as one name.
  if (tokens.some(({ depth }) => depth > 100)) return { name: text, args: [], label: undefined }
  return dataType(tokens)
}

/** Whether values of the type are of several types: two of them may look alike outside of JSON, such as 1 and '1'. */
export function isDynamic({ name, args }: DataType): boolean {
  return ['json', 'variant', 'dynamic'].includes(name.toLowerCase()) || args.some(isDynamic)
}

function dataType(tokens: readonly Token[], mayHaveLabel = true): DataType {
  const open = tokens.findIndex((token) => token.text === '(')
  const [first, second] = tokens
  const labelled = mayHaveLabel && second !== undefined && isName(first) && isName(second)
  if (labelled) return { ...dataType(tokens.slice(1), false), label: first?.text }
  if (open !== 1) return { name: compactText(tokens), args: [], label: undefined }
  const args = splitAtCommas(tokens.slice(2, -1)).map((arg) => dataType(arg))
  return { name: first?.text ?? '', args, label: undefined }
}
