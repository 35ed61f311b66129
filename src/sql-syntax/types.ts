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
  return dataType(significantTokens({ file: text, text, line: 1 }))
}

function dataType(tokens: readonly Token[]): DataType {
  const open = tokens.findIndex((token) => token.text === '(')
  const [first, second] = tokens
  const labelled = second !== undefined && isName(first) && isName(second)
  if (labelled) return { ...dataType(tokens.slice(1)), label: first?.text }
  if (open !== 1) return { name: compactText(tokens), args: [], label: undefined }
  const args = splitAtCommas(tokens.slice(2, -1)).map(dataType)
  return { name: first?.text ?? '', args, label: undefined }
}
