// Owns the verdict of `status --check`: what is not well, with the exit code of each reason, and the worst of them.
import { duration, perUnit, type Flags, readFlag } from '../../workspace/values.ts'
import { EXIT } from '../../model/errors.ts'
import { freshnessOf, type Scope, sourcesBehind } from '../../model/choose.ts'
import { inUnit, type PerUnit, type TableDefinition } from '../../model/model.ts'
import { countBlocks, formatPosition, subtract } from '../../model/blocks.ts'
import { lostBlocks } from '../../planning/stale-ranges.ts'
import type { Ages } from '../../sources/ages.ts'
import { holdText } from '../../ledger/steering.ts'
import { count, formatRanges, listOf } from '../../terminal/render/format.ts'
import type { StatusReport, TableReport } from './table-report.ts'

export type Tolerances = {
  /** Missing blocks that are no failure; undefined: those whose rows have arrived in the last hour. */
  readonly maxBehind: PerUnit | undefined
  readonly maxIncompleteAge: number
  /** Seconds; undefined: sources may be of any age. */
  readonly maxSourceAge: number | undefined
  /** Stale blocks that cannot be built again and are no failure. */
  readonly maxLost: PerUnit
}

export function readTolerances(flags: Flags): Tolerances {
  const seconds = (name: string) => {
    const ms = readFlag(flags, name, duration)
    return ms === undefined ? undefined : Math.round(ms / 1000)
  }
  return {
    maxBehind: readFlag(flags, 'max-behind', perUnit()),
    maxIncompleteAge: seconds('max-incomplete-age') ?? 24 * 3600,
    maxSourceAge: seconds('max-source-age'),
    maxLost: readFlag(flags, 'max-lost', perUnit()) ?? 0,
  }
}

/** `exit`: the code that this reason alone would give. */
export type Reason = { readonly table: string; readonly exit: number; readonly text: string }

export type Verdict = {
  /** The worst code of the reasons, in the order 8, 3, 4; 0 without a reason. */
  readonly exit: number
  readonly reasons: readonly Reason[]
}

/** Asks the sources how old missing and incomplete blocks are, where the verdict needs it. @throws BackfillError `server` */
export async function evaluateHealth(
  scope: Scope,
  { tables }: StatusReport,
  { ages, tolerances }: { readonly ages: Ages; readonly tolerances: Tolerances },
): Promise<Verdict> {
  return verdictOf((await Promise.all(tables.map(reasonsOf))).flat())

  async function reasonsOf(report: TableReport): Promise<readonly Reason[]> {
    const [behind, waiting] = await Promise.all([lateBlocks(report), lateIncomplete(report)])
    const of = (exit: number, text: string): Reason => ({ table: report.table, exit, text })
    const { arrived, dirty, stale, misfit } = report
    const lost = lostBlocks(report.staleVersions, report.first)
    const open = subtract(stale, lost)
    const pending = listOf(
      dirty.length > 0 && `dirty ${formatRanges(dirty)}`,
      behind && [count(report.missingBlocks, 'missing block'), ...report.holds.map(holdText)].join(', '),
      waiting !== undefined &&
        `block ${formatPosition(waiting)} is incomplete for longer than --max-incomplete-age`,
      misfit !== null && '`up` does not write to it: it is not as its file says',
      arrived.length > 0 && `rows have arrived in accepted ${formatRanges(arrived)}`,
    )
    return listOf(
      report.absences.map(({ state }) => of(EXIT.absent, state)),
      pending.map((text) => of(EXIT.pending, text)),
      open.length > 0 && of(EXIT.stale, `stale ${formatRanges(open)}`),
      countBlocks(lost) > (inUnit(tolerances.maxLost, report.unit) ?? 0) &&
        of(EXIT.stale, `stale ${formatRanges(lost)}, which cannot be built again (--max-lost)`),
    )
  }

  async function lateBlocks(report: TableReport): Promise<boolean> {
    const { table, missing, missingBlocks, doneBlocks, absences } = report
    if (missingBlocks === 0 || absences.length > 0) return false
    const promised = freshnessOf(scope.catalogue, tableOf(table))
    const maxBehind = inUnit(tolerances.maxBehind, tableOf(table).unit)
    if (maxBehind !== undefined && (missingBlocks > maxBehind || promised === undefined))
      return missingBlocks > maxBehind
    const seconds = promised ?? LATE_SECONDS
    // A table that has never run is not merely late.
    return doneBlocks === 0 || (await ages.firstOlder(sourcesOf(table), missing, seconds)) !== undefined
  }

  async function lateIncomplete({ table, incomplete }: TableReport): Promise<number | undefined> {
    if (incomplete.length === 0) return undefined
    return await ages.firstOlder(sourcesOf(table), incomplete, tolerances.maxIncompleteAge)
  }

  function tableOf(key: string): TableDefinition {
    return scope.catalogue.tables.find((one) => one.key === key)!
  }

  function sourcesOf(key: string): readonly string[] {
    return sourcesBehind(scope, tableOf(key))
  }
}

export function verdictOf(found: readonly Reason[]): Verdict {
  // Each source of a table that is too old is an absence of its own.
  const reasons = [...new Map(found.map((one) => [JSON.stringify(one), one])).values()]
  return { exit: SEVERITY.find((code) => reasons.some(({ exit }) => exit === code)) ?? EXIT.ok, reasons }
}

/** One line for people; undefined if all is well. */
export function verdictLine(network: string, { exit, reasons }: Verdict): string | undefined {
  if (reasons.length === 0) return undefined
  const byText = Map.groupBy(
    reasons.toSorted((a, b) => SEVERITY.indexOf(a.exit) - SEVERITY.indexOf(b.exit)),
    ({ text }) => text,
  )
  const parts = [...byText].map(([text, of]) => `${of.map(({ table }) => table).join(', ')}: ${text}`)
  return `status --check: ${network}: exit ${exit}: ${parts.join('; ')}`
}

const SEVERITY: readonly number[] = [EXIT.absent, EXIT.pending, EXIT.stale]

/** A run every ten minutes has an hour to catch up. */
const LATE_SECONDS = 3600
