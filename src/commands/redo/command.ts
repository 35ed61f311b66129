// Owns `backfill redo`, of a table and of all stale ranges: it shows the plan, asks for confirmation, and builds again.
import { EXIT, usageError } from '../../model/errors.ts'
import type { RedoRequest } from './blocks.ts'
import type { RedoPlanTable, RedoQuestion } from './plan.ts'
import type { Flags } from '../../workspace/values.ts'
import { confirm } from '../../session/confirm.ts'
import { type Command, type Context, withWorkspace } from '../../session/session.ts'
import { requireOneTable, typedRange } from '../../terminal/one-table-one-range.ts'
import { renderRedo, asQuestion, continuing, planLines, redoQuestionParts, tableLines } from './render.ts'
import { supervised } from '../../session/supervised-run.ts'
import { upOptions } from '../../workspace/run-options.ts'
import { rebuildOptions } from '../rebuild/command.ts'
import type { RebuildReport } from '../rebuild/rebuild.ts'
import { rebuildFields, renderRebuild, rebuildPlanFields } from '../rebuild/render.ts'
import { planStale, redoStale, leftText, type StaleStep } from './stale-tables.ts'
import { type Colors, count, duration, listOf, amountOf } from '../../terminal/render/format.ts'

export const redoCommand: Command = async (context) => {
  const { flags } = context
  const request = requestOf(flags)
  if (request.kind === 'stale' && !flags.has('tables')) return await redoAllStale(context)
  requireOneTable(flags, 'redo')
  const options = upOptions(context)
  const question: RedoQuestion = {
    request,
    dependants: flags.has('cascade') ? 'cascade' : 'refuse',
    lag: options.lag,
    jobs: options.jobs,
  }
  return await withWorkspace(context, async ({ workspace }) => {
    const { planRedo } = await import('./plan.ts')
    const plan = await planRedo(workspace, question)
    const { report } = plan
    const shown = { event: 'plan', ...report }
    const isQuiet = flags.has('quiet') && report.tables.length > 0
    const goesOn = showPlan(context, shown, isQuiet, (dry, colors) =>
      renderRedo(report, request, { dry, colors }),
    )
    if (!goesOn || report.tables.length === 0) return EXIT.ok
    await confirm(context, asQuestion(redoQuestionParts(report.tables)))
    const { redo } = await import('./redo.ts')
    return await supervised(
      context,
      async (run) => run.finish(await redo(workspace, plan, options, run)),
      continuing(report.tables),
    )
  })
}

function showPlan(
  { flags, output }: Context,
  fields: object,
  isQuiet: boolean,
  lines: (dry: boolean, colors: Colors) => readonly string[],
): boolean {
  const dry = flags.has('dry-run')
  if (flags.has('json')) output.json(fields)
  else if (dry) output.result(lines(dry, output.resultColors))
  else if (!isQuiet) output.message(lines(dry, output.messageColors))
  return !dry
}

/** Both ends of a range, so that no rows are deleted by a forgotten flag. @throws BackfillError `usage` */
function requestOf(flags: Flags): RedoRequest {
  if (flags.has('stale')) return { kind: 'stale' }
  const [from, to] = [flags.has('from'), flags.has('to')]
  if (from && to) return { kind: 'range', range: typedRange(flags, 'redo') }
  throw usageError(
    from || to
      ? `--${from ? 'from' : 'to'} is given without --${from ? 'to' : 'from'}`
      : '`redo` needs blocks',
    'add --from N --to N, whose rows are deleted, or --stale; `backfill status` shows what is stale',
  )
}

const redoAllStale: Command = async (context) => {
  const { flags, output } = context
  const report = (done: RebuildReport) =>
    flags.has('json')
      ? output.json(rebuildFields(done))
      : output.message(flags.has('quiet') ? [] : renderRebuild(done, output.messageColors))
  return await withWorkspace(context, async (session) => {
    const { workspace } = session
    const rebuilds = { ports: session.connected, options: rebuildOptions(context), report }
    const wanted = { options: upOptions(context), rebuilds }
    const steps = await planStale(workspace, wanted)
    const { name } = workspace.network
    const isQuiet = flags.has('quiet') && steps.length > 0 && steps.every(({ kind }) => kind !== 'left')
    const goesOn = showPlan(context, stalePlanFields(steps), isQuiet, (dry, colors) =>
      renderStalePlan(name, steps, colors, dry),
    )
    if (!goesOn || steps.length === 0) return EXIT.ok
    await confirm(context, staleQuestion(steps))
    const again = 'backfill redo --stale'
    return await supervised(
      context,
      async (run) => run.finish(await redoStale(workspace, wanted, run)),
      again,
    )
  })
}

function redone(steps: readonly StaleStep[]): readonly RedoPlanTable[] {
  return steps.flatMap((step) => (step.kind === 'redo' ? step.plan.report.tables : []))
}

function renderStalePlan(
  network: string,
  steps: readonly StaleStep[],
  colors: Colors,
  dry: boolean,
): readonly string[] {
  if (steps.length === 0) return ['Nothing to redo: no range is stale.']
  const lines = steps.flatMap((step) => stepLines(step, colors))
  return planLines(network, redone(steps), lines, { dry, colors })
}

function staleQuestion(steps: readonly StaleStep[]): string {
  const rebuilt = steps.flatMap(({ kind, table }) => (kind === 'rebuild' ? [table.key] : []))
  return asQuestion(
    listOf(
      redoQuestionParts(redone(steps)),
      rebuilt.length > 0 && `rebuild ${rebuilt.join(', ')} and drop the old tables`,
    ),
  )
}

function stalePlanFields(steps: readonly StaleStep[]): object {
  return {
    event: 'plan',
    tables: redone(steps),
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
  const { chunks, expectedMs } = step.plan.plan.tables[0]!
  const time = expectedMs === null ? '' : `, about ${duration(expectedMs)}`
  return [
    `${name}  rebuilt beside the old table, which is dropped after the exchange: ${amountOf(chunks)} in ${count(chunks.length, 'chunk')}${time}`,
  ]
}
