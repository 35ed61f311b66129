// Owns `backfill redo`: it shows the rows to delete, asks for confirmation, deletes them and builds them again.
import { EXIT, usageError } from '../../model/errors.ts'
import type { Range } from '../../model/blocks.ts'
import type { RedoRequest } from './blocks.ts'
import type { RedoQuestion } from './plan.ts'
import { blockNumber, readFlag, type Flags } from '../../workspace/values.ts'
import { confirm } from '../../session/confirm.ts'
import type { Command } from '../../session/command.ts'
import { requireOneTable } from '../../terminal/one-table-one-range.ts'
import { redoQuestion, renderRedo } from './render.ts'
import { supervised } from '../../session/supervised-run.ts'
import { withWorkspace } from '../../session/session.ts'
import { upOptions } from '../../workspace/run-options.ts'

export const redoCommand: Command = async (context) => {
  const { flags, output, config } = context
  requireOneTable(flags, 'redo')
  const question: RedoQuestion = {
    ...requestOf(flags),
    cascade: flags.has('cascade'),
    lag: config.lag.value,
  }
  const options = upOptions(context)
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

function rangeOf(flags: Flags): Range | undefined {
  const from = readFlag(flags, 'from', blockNumber)
  const to = readFlag(flags, 'to', blockNumber)
  if (from === undefined && to === undefined) return undefined
  if (from !== undefined && to !== undefined && from <= to) return { from, to }
  if (from !== undefined && to !== undefined)
    throw usageError(`--from ${from} is after --to ${to}`, 'swap them')
  throw usageError(
    `--${from === undefined ? 'to' : 'from'} is given without --${from === undefined ? 'from' : 'to'}`,
    'give both: `redo` deletes the rows of this range',
  )
}
