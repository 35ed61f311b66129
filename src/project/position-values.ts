// Owns reading the values of the `--!` header that say where rows are, and in which order they are computed.
import type { Unit } from '../model/model.ts'
import { columnsIn } from '../sql-syntax/tokens.ts'
import {
  columns,
  expression,
  type HeaderEntry,
  identifiers,
  seconds,
  wholeNumber,
  wrong,
} from './header-values.ts'

/** A length in units, above 0: `10000`, or `6h` of seconds. */
export function chunk(entry: HeaderEntry): number {
  const length = distance(entry)
  if (length > 0) return length
  throw wrong(entry, `'${entry.value}' is not a whole number above 0`, 'write a length such as 10000 or 6h')
}

export function distance(entry: HeaderEntry): number {
  const units = wholeNumber(entry.value)
  if (units !== undefined) return units
  if (/^0[smh]$/.test(entry.value)) return 0
  if (/^\d+[smh]$/.test(entry.value)) return seconds(entry)
  throw wrong(entry, `'${entry.value}' is not a whole number`, 'write a length such as 10000 or 6h')
}

export function columnOrNone(entry: HeaderEntry): string | undefined {
  return entry.value === 'none' ? undefined : columns(entry)[0]
}

/** The unit of a position without `--! unit:`: seconds if the expression makes a time a number. */
export function unitOf(expressed: string): Unit {
  return /time/i.test(expressed) ? 'second' : 'block'
}

/** A table of `after`; `history`: all rows before a range are read, too. */
export type Input = { readonly key: string; readonly history: boolean }

/** `a, b (all before), itself`. */
export function inputs(entry: HeaderEntry): readonly Input[] {
  const read = entry.value.split(',').map((part) => /^\s*(.*?)\s*(\(all before\))?\s*$/.exec(part)!)
  const keys = identifiers({ ...entry, value: read.map(([, key]) => key).join(',') })
  return keys.map((key, index) => ({ key, history: read[index]![2] !== undefined }))
}

export function position(entry: HeaderEntry): string {
  const { expression: text } = expression(entry)
  if (columnsIn(text).length > 0) return text
  throw wrong(entry, `'${text}' names no column`, 'write a column, or an expression over columns')
}
