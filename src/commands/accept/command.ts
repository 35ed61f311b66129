// Owns `backfill accept` and `accept --revoke`: says which blocks of which tables, asks, does it.
import { EXIT } from '../../model/errors.ts'
import type { World } from '../../runner/world.ts'
import { typedRange } from '../../terminal/one-table-one-range.ts'
import { confirm } from '../../session/confirm.ts'
import type { Command, Context } from '../../session/command.ts'
import { type Part, partLines, tablesText } from './render.ts'
import { rangeText } from '../../terminal/render/format.ts'
import { withWorld } from '../../session/session.ts'

export const accept: Command = async (context) => {
  const { config, words } = context
  const question = { range: typedRange(words, 'accept'), named: words.has('tables') }
  return await withWorld(context, ({ world }) =>
    words.has('revoke')
      ? takeBack(context, world, question)
      : declare(context, world, { ...question, lag: config.lag.value }),
  )
}

type Question = { readonly range: { readonly from: number; readonly to: number }; readonly named: boolean }

async function declare(
  context: Context,
  world: World,
  options: Question & { readonly lag: number },
): Promise<number> {
  const { output, words } = context
  const { accept: record, isNew, planAcceptance } = await import('./accept.ts')
  const plan = await planAcceptance(world, options)
  output.result(
    partLines(
      plan.flatMap(({ table: { key: table }, holes, held, already }): Part[] => [
        { table, word: 'hole', blocks: holes },
        { table, word: 'held', blocks: held },
        { table, word: 'accepted before', blocks: already },
      ]),
    ),
  )
  const todo = plan.filter(isNew)
  if (words.has('dry-run') || todo.length === 0) return nothingWritten(context)
  const who = tablesText(todo.map(({ table }) => table.key))
  await confirm(context, `Accept these blocks of ${who} as they are, so that they count as done?`)
  await record(world, { options, plan }, (text) => output.message([text]))
  output.result([
    `Accepted. If rows arrive there later: \`backfill accept --revoke ${flags(options)}\`, then \`backfill up\`.`,
  ])
  return EXIT.ok
}

async function takeBack(context: Context, world: World, options: Question): Promise<number> {
  const { output, words } = context
  const { planRevocation, revoke } = await import('./revoke.ts')
  const plan = await planRevocation(world, options)
  output.result(
    partLines(
      plan.flatMap(({ table: { key: table }, blocks, dependent, dependentRows }): Part[] => [
        { table, word: 'accepted', blocks },
        {
          table,
          word: `done from these, now ${dependentRows ? 'dirty' : 'missing'}`,
          blocks: dependent,
        },
      ]),
    ),
  )
  if (words.has('dry-run')) return nothingWritten(context)
  const who = tablesText(plan.map(({ table }) => table.key))
  await confirm(context, `Take back the acceptance, so that these blocks of ${who} are not done any more?`)
  await revoke(world, { options, plan }, (text) => output.message([text]))
  output.result([
    'Revoked. `backfill status` shows what the blocks are now; `backfill up` runs those with rows.',
  ])
  return EXIT.ok
}

function nothingWritten({ output, words }: Context): number {
  output.result([words.has('dry-run') ? 'Nothing has been written.' : 'Nothing to do.'])
  return EXIT.ok
}

function flags({ range }: Question): string {
  return range.from === range.to ? `--from ${rangeText(range)}` : `--from ${range.from} --to ${range.to}`
}
