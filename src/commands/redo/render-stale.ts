// Owns how the plan for all stale ranges looks: a line for each table, the cost, the question. Pure.
import { rebuildPlanFields } from '../rebuild/render.ts'
import { type Colors, count, duration } from '../../terminal/render/format.ts'
import { asQuestion, costLines, redoQuestionParts, tableLines } from './render.ts'
import { leftText, type StaleStep } from './stale-tables.ts'

export function renderStalePlan(
  network: string,
  steps: readonly StaleStep[],
  colors: Colors,
  dry: boolean,
): readonly string[] {
  if (steps.length === 0) return ['Nothing to redo: no range is stale.']
  const plans = steps.flatMap((step) => (step.kind === 'redo' ? step.plan.report.tables : []))
  return [
    `network ${colors.bold(network)}`,
    '',
    ...steps.flatMap((step) => stepLines(step, colors)),
    ...costLines(plans, colors),
    ...(dry ? ['', 'Nothing has been written.'] : []),
  ]
}

/** Asked after the plan was shown. */
export function staleQuestion(steps: readonly StaleStep[]): string {
  const plans = steps.flatMap((step) => (step.kind === 'redo' ? step.plan.report.tables : []))
  const rebuilt = steps.flatMap(({ kind, table }) => (kind === 'rebuild' ? [table.key] : []))
  return asQuestion([
    ...redoQuestionParts(plans),
    ...(rebuilt.length > 0 ? [`rebuild ${rebuilt.join(', ')} and drop the old tables`] : []),
  ])
}

/** The object of `redo --stale --json` before the events. */
export function stalePlanFields(network: string, steps: readonly StaleStep[]): object {
  return {
    event: 'plan',
    network,
    tables: steps.flatMap((step) => (step.kind === 'redo' ? step.plan.report.tables : [])),
    rebuilds: steps.flatMap((step) => (step.kind === 'rebuild' ? [rebuildPlanFields(step.plan)] : [])),
    left: steps.flatMap(({ table, ...step }) =>
      step.kind === 'left' ? [{ table: table.key, error: step.error }] : [],
    ),
  }
}

function stepLines(step: StaleStep, colors: Colors): readonly string[] {
  const name = colors.bold(step.table.key)
  if (step.kind === 'redo') return step.plan.report.tables.flatMap((table) => tableLines(table, colors))
  if (step.kind === 'left') return [`${name}  ${colors.yellow(`stays stale: ${leftText(step.error)}`)}`]
  const { missingBlocks, chunks, expectedMs } = step.plan.plan.tables[0]!
  const time = expectedMs === null ? '' : `, about ${duration(expectedMs)}`
  return [
    `${name}  rebuilt beside the old table, which is dropped after the exchange: ${count(missingBlocks, 'block')} in ${count(chunks.length, 'chunk')}${time}`,
  ]
}
