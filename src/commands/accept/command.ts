// Owns `backfill accept` and `accept --revoke`: it shows the blocks of each table, asks, and records the events.
import { EXIT } from '../../model/errors.ts'
import type { Workspace } from '../../runner/workspace.ts'
import { typedRange } from '../../terminal/one-table-one-range.ts'
import { confirm } from '../../session/confirm.ts'
import type { Command, Context } from '../../session/command.ts'
import { type Part, partLines, tablesText } from './render.ts'
import { formatRange } from '../../terminal/render/format.ts'
import { withWorkspace } from '../../session/session.ts'

export const accept: Command = async (context) => {
  const { config, flags } = context
  const question = { range: typedRange(flags, 'accept'), named: flags.has('tables') }
  return await withWorkspace(context, ({ workspace }) =>
    flags.has('revoke')
      ? takeBack(context, workspace, question)
      : declare(context, workspace, { ...question, lag: config.lag.value }),
  )
}

type Question = { readonly range: { readonly from: number; readonly to: number }; readonly named: boolean }

async function declare(
  context: Context,
  workspace: Workspace,
  options: Question & { readonly lag: number },
): Promise<number> {
  const { output, flags } = context
  const { accept: record, isNew, planAcceptance } = await import('./accept.ts')
  const plan = await planAcceptance(workspace, options)
  output.result(
    partLines(
      plan.flatMap(({ table: { key: table }, sourceGaps, incomplete, already }): Part[] => [
        { table, word: 'source gap', blocks: sourceGaps },
        { table, word: 'incomplete', blocks: incomplete },
        { table, word: 'accepted before', blocks: already },
      ]),
    ),
  )
  const todo = plan.filter(isNew)
  if (flags.has('dry-run') || todo.length === 0) return nothingWritten(context)
  const who = tablesText(todo.map(({ table }) => table.key))
  await confirm(context, `Accept these blocks of ${who} so that they count as done?`)
  await record(workspace, { options, plan }, (text) => output.message([text]))
  output.result([
    `Accepted. If rows arrive there later: \`backfill accept --revoke ${rangeFlags(options)}\`, then \`backfill up\`.`,
  ])
  return EXIT.ok
}

async function takeBack(context: Context, workspace: Workspace, options: Question): Promise<number> {
  const { output, flags } = context
  const { planRevocation, revoke } = await import('./revoke.ts')
  const plan = await planRevocation(workspace, options)
  output.result(
    partLines(
      plan.flatMap(({ table: { key: table }, blocks, dependent, dependentRows }): Part[] => [
        { table, word: 'accepted', blocks },
        {
          table,
          word: `dependent blocks, now ${dependentRows ? 'dirty' : 'missing'}`,
          blocks: dependent,
        },
      ]),
    ),
  )
  if (flags.has('dry-run')) return nothingWritten(context)
  const who = tablesText(plan.map(({ table }) => table.key))
  await confirm(context, `Revoke the acceptance, so that these blocks of ${who} no longer count as done?`)
  await revoke(workspace, { options, plan }, (text) => output.message([text]))
  output.result([
    'Revoked. `backfill status` shows what the blocks are now; `backfill up` runs those with rows.',
  ])
  return EXIT.ok
}

function nothingWritten({ output, flags }: Context): number {
  output.result([flags.has('dry-run') ? 'Nothing has been written.' : 'Nothing to do.'])
  return EXIT.ok
}

function rangeFlags({ range }: Question): string {
  return range.from === range.to ? `--from ${formatRange(range)}` : `--from ${range.from} --to ${range.to}`
}
