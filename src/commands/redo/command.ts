// Owns `backfill redo`: it shows the rows to delete, asks for confirmation, deletes them and builds them again.
import { EXIT, usageError } from '../../model/errors.ts'
import type { Range } from '../../model/blocks.ts'
import type { RedoRequest } from './blocks.ts'
import type { RedoQuestion } from './plan.ts'
import type { Flags } from '../../workspace/values.ts'
import { confirm } from '../../session/confirm.ts'
import type { Command } from '../../session/command.ts'
import { requireOneTable, typedRange } from '../../terminal/one-table-one-range.ts'
import { redoQuestion, renderRedo } from './render.ts'
import { supervised } from '../../session/supervised-run.ts'
import { withWorkspace } from '../../session/session.ts'
import { upOptions } from '../../workspace/run-options.ts'

export const redoCommand: Command = async (context) => {
  const { flags, output } = context
  const asked = requestOf(flags)
  if (asked.request.kind === 'stale' && !flags.has('tables'))
    return await (await import('./all-stale.ts')).redoAllStale(context)
  requireOneTable(flags, 'redo')
  const options = upOptions(context)
  const question: RedoQuestion = {
    ...asked,
    dependants: flags.has('cascade') ? 'cascade' : 'refuse',
    lag: options.lag,
    jobs: options.jobs,
  }
  return await withWorkspace(context, async ({ workspace }) => {
    const { planRedo } = await import('./plan.ts')
    const plan = await planRedo(workspace, question)
    const dry = flags.has('dry-run')
    const json = flags.has('json')
    const { typed } = question
    if (json) output.json({ event: 'plan', ...plan.report })
    else if (dry) output.result(renderRedo(plan.report, { typed, dry, colors: output.resultColors }))
    else if (!flags.has('quiet') || plan.report.tables.length === 0)
      output.message(renderRedo(plan.report, { typed, dry, colors: output.messageColors }))
    if (dry || plan.report.tables.length === 0) return EXIT.ok
    await confirm(context, redoQuestion(plan.report))
    const { redo } = await import('./redo.ts')
    return await supervised(context, async (run) => run.finish(await redo(workspace, plan, options, run)))
  })
}

/** @throws BackfillError `usage` unless exactly one complete request is given */
function requestOf(flags: Flags): { readonly request: RedoRequest; readonly typed: string } {
  const range = rangeOf(flags)
  const asked: readonly (RedoRequest | undefined)[] = [
    range && { kind: 'range', range },
    flags.has('stale') ? { kind: 'stale' } : undefined,
    flags.has('dirty') ? { kind: 'dirty' } : undefined,
  ]
  const [request, second] = asked.filter((one) => one !== undefined)
  if (request === undefined)
    throw usageError(
      '`redo` needs blocks',
      'add --from N --to N, --stale or --dirty; `backfill status` shows what is stale or dirty',
    )
  if (second !== undefined)
    throw usageError('--from and --to, --stale, and --dirty exclude each other', 'keep one of them')
  const typed = range === undefined ? `--${request.kind}` : `--from ${range.from} --to ${range.to}`
  return { request, typed }
}

/** Both ends, so that no rows are deleted by a forgotten flag. */
function rangeOf(flags: Flags): Range | undefined {
  const [given, left] = flags.has('from') ? ['from', 'to'] : ['to', 'from']
  if (!flags.has(given)) return undefined
  if (flags.has(left)) return typedRange(flags, 'redo')
  throw usageError(
    `--${given} is given without --${left}`,
    'give both: `redo` deletes the rows of this range',
  )
}
