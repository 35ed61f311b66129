// Owns how `verify --sources` looks: changed ranges, whether they are marked as stale, and the next command. Pure.
import { EXIT } from '../../model/errors.ts'
import { countBlocks } from '../../model/blocks.ts'
import type { TableDefinition } from '../../model/model.ts'
import { hintOf } from '../../ledger/stale.ts'
import type { SourcesCheck } from './sources.ts'
import { type Colors, formatRanges, listOf, amountOf } from '../../terminal/render/format.ts'

/** 5 if a lock prevented the marking, 4 if ranges are stale, otherwise 0; `gone` does not count. */
export function sourcesCode(checks: readonly SourcesCheck[]): number {
  if (checks.some(({ notMarked }) => typeof notMarked === 'object' && notMarked.kind === 'locked'))
    return EXIT.locked
  return checks.some(({ changed, before }) => changed.length + before.length > 0) ? EXIT.stale : EXIT.ok
}

export function renderSources(
  checks: readonly SourcesCheck[],
  tables: readonly TableDefinition[],
  colors: Colors,
): readonly string[] {
  const stale = checks.filter(({ changed, before }) => changed.length + before.length > 0)
  const next = stale.map(({ table }) => `Next: ${hintOf(tables.find(({ key }) => key === table)!)}`)
  return [...checks.flatMap((check) => lines(check, colors)), ...(next.length === 0 ? [] : ['', ...next])]
}

function lines(
  { table, looked, changed, gone, before, notMarked }: SourcesCheck,
  colors: Colors,
): readonly string[] {
  const facts = listOf(
    changed.length > 0 && colors.yellow(`changed ${formatRanges(changed)}: ${markText(notMarked)}`),
    before.length > 0 && `marked as stale before ${formatRanges(before)}`,
    gone.length > 0 &&
      `gone ${formatRanges(gone)}: the source rows no longer exist; left as done, because they cannot be computed again`,
  )
  const all = `${amountOf(looked)} done`
  if (facts.length === 0) return [`${table}  ${all}, none with changed sources`]
  return [`${colors.bold(table)}  ${all}, looked at`, ...facts.map((fact) => `  ${fact}`)]
}

function markText(notMarked: SourcesCheck['notMarked']): string {
  if (notMarked === undefined) return 'marked as stale'
  if (typeof notMarked === 'object') return `not marked: ${notMarked.message}`
  return notMarked === 'dry-run' ? 'not marked (--dry-run)' : 'not all of them marked (interrupted)'
}

/** `marked`: whether the changed ranges are marked as stale; `notMarked`: why not. */
export function sourcesFields({ looked, before, notMarked, ...table }: SourcesCheck): object {
  return {
    ...table,
    lookedBlocks: countBlocks(looked),
    markedBefore: before,
    marked: table.changed.length > 0 && notMarked === undefined,
    notMarked: typeof notMarked === 'object' ? notMarked.message : notMarked,
  }
}
