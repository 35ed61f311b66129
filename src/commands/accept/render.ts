// Owns how acceptances and revocations look: one line for each segment, with all tables that share it. Pure.
import type { Range } from '../../model/blocks.ts'
import { count, formatRanges } from '../../terminal/render/format.ts'

/** One table's part of a plan: a word such as `source gap`, and its blocks. */
export type Part = { readonly table: string; readonly word: string; readonly blocks: readonly Range[] }

/** `source gap 9001-11500 (2,500 blocks): address_diffs, address_reads`. Parts without blocks are left out. */
export function partLines(parts: readonly Part[]): readonly string[] {
  const lines = parts
    .filter(({ blocks }) => blocks.length > 0)
    .map(({ table, word, blocks }) => ({ table, text: `${word} ${formatRanges(blocks, 10)}` }))
  return [...Map.groupBy(lines, ({ text }) => text)].map(
    ([text, of]) => `${text}: ${of.map(({ table }) => table).join(', ')}`,
  )
}

/** `1 table`, `address_diffs`: short enough for a question. */
export function tablesText(tables: readonly string[]): string {
  return tables.length <= 3 ? tables.join(', ') : count(tables.length, 'table')
}
