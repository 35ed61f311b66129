// Owns `backfill up` and `backfill plan`, which is `up --dry-run`.
import { EXIT, usageError } from '../../model/errors.ts'
import type { UpOptions } from '../../runner/events.ts'
import { blockNumber, duration, readFlag } from '../../terminal/argv.ts'
import type { Setting } from '../../workspace/variables.ts'
import type { Command, Context } from '../../session/command.ts'
import { planJson } from '../../terminal/render/json.ts'
import { renderPlan } from './render-plan.ts'
import { runUp } from '../../session/supervised-run.ts'
import { withWorld } from '../../session/session.ts'

export const up: Command = async (context) => {
  const options = upOptions(context, { from: 'from', to: 'to' })
  return context.words.has('dry-run') ? await plan(context, options) : await runUp(context, options)
}

/**
 * The options of a run; the two ends of its range are the flags that the command calls so.
 * @throws BackfillError `usage` for a bad block or a reversed range.
 */
export function upOptions(
  { config, words }: Pick<Context, 'config' | 'words'>,
  flags: { readonly from: string; readonly to: string },
): UpOptions {
  const from = readFlag(words, flags.from, blockNumber)
  const to = readFlag(words, flags.to, blockNumber)
  if (from !== undefined && to !== undefined && from > to) {
    throw usageError(
      `--${flags.from} ${from} is after --${flags.to} ${to}`,
      'swap them: the range goes upwards',
    )
  }
  const { chunk, chunkRows, order, jobs, tableJobs, lag } = config
  return {
    from,
    to,
    // What was typed beats what is set, though it is another way to say it.
    chunk: isTyped(chunkRows) && !isTyped(chunk) ? undefined : chunk.value,
    chunkRows: chunkRows.value,
    order: order.value,
    jobs: jobs.value,
    tableJobs: tableJobs.value,
    lag: lag.value,
    giveUpMs: readFlag(words, 'give-up', duration) ?? 300_000,
    graceMs: readFlag(words, 'grace', duration) ?? 60_000,
    maxRuntimeMs: readFlag(words, 'max-runtime', duration),
    lockWaitMs: readFlag(words, 'lock-wait', duration) ?? 0,
    lockSkip: words.has('lock-skip'),
  }
}

async function plan(context: Context, options: UpOptions): Promise<number> {
  const { output, words } = context
  return await withWorld(context, async ({ world }) => {
    const { planUp } = await import('../../planning/plan.ts')
    const report = await planUp(world, options)
    output.result(
      words.has('json') ? [JSON.stringify(planJson(report))] : renderPlan(report, output.resultPaint),
    )
    return EXIT.ok
  })
}

function isTyped({ origin }: Setting<unknown>): boolean {
  return origin.startsWith('flag ')
}
