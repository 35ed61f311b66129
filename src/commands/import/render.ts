// Owns how an import's plan looks, and what is said of files that are not there. Pure.
import { countFiles, type ImportPlan } from './import.ts'
import type { Range } from '../../model/blocks.ts'
import type { RunEvent } from '../../runner/events.ts'
import { intersect, subtract } from '../../model/blocks.ts'
import { count, formatRanges, formatRange } from '../../terminal/render/format.ts'
import type { Colors } from '../../terminal/render/format.ts'

export function renderImport({ network, range, tables }: ImportPlan, colors: Colors): readonly string[] {
  const files = tables.reduce((sum, table) => sum + countFiles(table.files), 0)
  const bytes = tables.reduce((sum, table) => sum + table.bytes, 0)
  return [
    `network ${colors.bold(network)}, blocks ${formatRange(range)}`,
    ...tables.flatMap((table) => [
      '',
      `${colors.bold(table.table)}  ${count(countFiles(table.files), 'file')}, ${size(table.bytes)}, into ${table.target}`,
      ...(table.create ? [`  ${colors.yellow('the table is created first')}`] : []),
      ...(table.done.length > 0 ? [`  ${count(countFiles(table.done), 'file')} imported before`] : []),
      ...(table.changed.length > 0
        ? [`  ${colors.yellow(`${count(countFiles(table.changed), 'file')} published anew since`)}`]
        : []),
      ...(table.missing.length > 0
        ? [`  ${colors.yellow(missingText(network, table.table, table.missing))}`]
        : []),
    ]),
    '',
    files === 0
      ? 'Nothing to do.'
      : `Next: \`backfill import\` fetches ${count(files, 'file')}, ${size(bytes)}. Nothing has been written.`,
  ]
}

export function importFields({ tables, ...plan }: ImportPlan): object {
  return {
    ...plan,
    tables: tables.map((table) => ({ ...table, files: countFiles(table.files), blocks: table.files })),
  }
}

type Skipped = Extract<RunEvent, { readonly type: 'skipped' }>

/** To the runner a missing file is a source gap in the source; a person is told which file is missing. */
export function missingNotes(skipped: readonly Skipped[], network: string): readonly RunEvent[] {
  return skipped.flatMap(({ tables, sourceGaps }) =>
    tables.map((table): RunEvent => ({
      type: 'note',
      table,
      text: missingText(network, table.replace(/^import-/, ''), sourceGaps),
    })),
  )
}

/** What `up` would not notice: blocks that some tables of the import lack and others have. `tables`: all of them. */
export function unevenWarnings(skipped: readonly Skipped[], tables: readonly string[]): readonly RunEvent[] {
  const sourceGapsOf = (table: string) =>
    skipped.find((event) => event.tables.includes(table))?.sourceGaps ?? []
  const everywhere = tables.map(sourceGapsOf).reduce(intersect)
  return skipped.flatMap(({ tables: missing, sourceGaps }): readonly RunEvent[] => {
    const uneven = subtract(sourceGaps, everywhere)
    const first = uneven[0]
    if (first === undefined) return []
    const text = `blocks ${formatRanges(uneven)} are there without ${missing.join(', ')}: to \`up\` they have no such rows; keep its --to below ${first.from} until they are imported`
    return [{ type: 'warning', table: undefined, text }]
  })
}

function missingText(network: string, table: string, blocks: readonly Range[]): string {
  const ranges = blocks.slice(0, SHOWN).map(formatRange).join(', ')
  const more = blocks.length > SHOWN ? ` and ${blocks.length - SHOWN} more up to ${blocks.at(-1)!.to}` : ''
  const why = NOT_PUBLIC.has(`${network} ${table}`) ? `: ${network} ${table} is not public` : ''
  return `no file for ${ranges}${more} (${count(countFiles(blocks), 'file')})${why}`
}

const SHOWN = 5

/** What Xatu has not published, by its own words (docs/how-to/importing.md). */
const NOT_PUBLIC: ReadonlySet<string> = new Set(['mainnet storage_reads'])

function size(bytes: number): string {
  if (bytes < 1e6) return `${(bytes / 1e3).toFixed(1)} kB`
  return bytes < 1e9 ? `${(bytes / 1e6).toFixed(1)} MB` : `${(bytes / 1e9).toFixed(1)} GB`
}
