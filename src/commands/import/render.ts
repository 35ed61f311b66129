// Owns how an import's plan looks, and the notes about missing files. Pure.
import { countFiles, type ImportPlan } from './import.ts'
import { type BlockSet, formatBlockSet, intersect, subtract } from '../../model/blocks.ts'
import type { RunEvent } from '../../runner/events.ts'
import { type Colors, count, formatRanges, formatRange, listOf, size } from '../../terminal/render/format.ts'

export function renderImport({ network, range, tables }: ImportPlan, colors: Colors): readonly string[] {
  const files = tables.reduce((sum, table) => sum + table.files, 0)
  const bytes = tables.reduce((sum, table) => sum + table.bytes, 0)
  return [
    `network ${colors.bold(network)}, blocks ${formatRange(range)}`,
    ...tables.flatMap((table) =>
      listOf(
        '',
        `${colors.bold(table.table)}  ${count(table.files, 'file')}, ${size(table.bytes)}, into ${table.target}`,
        table.create && `  ${colors.yellow('the table is created first')}`,
        table.done.length > 0 && `  ${count(countFiles(table.done), 'file')} imported before`,
        table.changed.length > 0 &&
          `  ${colors.yellow(`${count(countFiles(table.changed), 'file')} published again since`)}`,
        table.missing.length > 0 && `  ${colors.yellow(missingText(table.missing))}`,
      ),
    ),
    '',
    files === 0
      ? 'Nothing to do.'
      : `Next: \`backfill import\` fetches ${count(files, 'file')}, ${size(bytes)}. Nothing has been written.`,
  ]
}

type Skipped = Extract<RunEvent, { readonly type: 'skipped' }>

/** The runner treats a missing file as a source gap; these notes name the missing files. */
export function missingNotes(skipped: readonly Skipped[]): readonly RunEvent[] {
  return skipped.flatMap(({ tables, sourceGaps }) =>
    tables.map((table): RunEvent => ({ type: 'note', table, text: missingText(sourceGaps) })),
  )
}

/** Blocks that some tables of the import lack and others have: `up` would not notice. `tables`: all of the import. */
export function unevenWarnings(skipped: readonly Skipped[], tables: readonly string[]): readonly RunEvent[] {
  const sourceGapsOf = (table: string) =>
    skipped.find((event) => event.tables.includes(table))?.sourceGaps ?? []
  const everywhere = tables.map(sourceGapsOf).reduce(intersect)
  return skipped.flatMap(({ tables: missing, sourceGaps }): readonly RunEvent[] => {
    const uneven = subtract(sourceGaps, everywhere)
    const first = uneven[0]
    if (first === undefined) return []
    const text = `blocks ${formatRanges(uneven)} lack ${missing.join(', ')}: \`up\` would treat them as empty; keep its --to below ${first.from} until these are imported`
    return [{ type: 'warning', table: undefined, text }]
  })
}

function missingText(blocks: BlockSet): string {
  return `no file for ${formatBlockSet(blocks)} (${count(countFiles(blocks), 'file')})`
}
