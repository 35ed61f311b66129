// Owns `backfill accept` and `accept --revoke`: it shows the blocks of each table, asks, and records the events.
import { EXIT } from '../../model/errors.ts'
import { type Range, formatRange, rangeFlags } from '../../model/blocks.ts'
import type { Workspace } from '../../runner/workspace.ts'
import { confirm } from '../../session/confirm.ts'
import { type Command, type Context, withWorkspace } from '../../session/session.ts'
import { typedRange } from '../../terminal/one-table-one-range.ts'
import { count, formatRanges } from '../../terminal/render/format.ts'
import type { AcceptOptions } from './accept.ts'

export const accept: Command = async (context) => {
  const { config, flags } = context
  const range = typedRange(flags, 'accept')
  const options = { range, named: flags.has('tables'), lag: config.lag.value }
  return await withWorkspace(context, async ({ workspace }) =>
    flags.has('revoke') ? takeBack(context, workspace, options) : declare(context, workspace, options),
  )
}

async function declare(context: Context, workspace: Workspace, options: AcceptOptions): Promise<number> {
  const { accept: record, isNew, planAcceptance } = await import('./accept.ts')
  const plan = await planAcceptance(workspace, options)
  const parts = plan.flatMap(({ table: { key: table }, sourceGaps, incomplete, already }): Part[] => [
    { table, word: 'source gap', blocks: sourceGaps },
    { table, word: 'incomplete', blocks: incomplete },
    { table, word: 'accepted before', blocks: already },
  ])
  const { from, to } = options.range
  const flags = from === to ? `--from ${formatRange(options.range)}` : rangeFlags(options.range)
  const isChosen = options.named || context.flags.has('exclude')
  // Without tables it would take back what others have accepted there for other tables.
  const chosen = isChosen ? `${plan.map(({ table }) => table.key).join(' ')} ` : ''
  return await propose(context, parts, {
    tables: plan.filter(isNew).map(({ table }) => table.key),
    question: (tables) => `Accept these blocks of ${tables} so that they count as done?`,
    record: (note) => record(workspace, { options, plan }, note),
    recorded: `Accepted. If rows arrive there later: \`backfill accept ${chosen}--revoke ${flags}\`, then \`backfill up\`.`,
  })
}

async function takeBack(context: Context, workspace: Workspace, options: AcceptOptions): Promise<number> {
  const { planRevocation, revoke } = await import('./revoke.ts')
  const plan = await planRevocation(workspace, options)
  const parts = plan.flatMap(({ table: { key: table }, blocks, dependent, dependentRows }): Part[] => [
    { table, word: 'accepted', blocks },
    { table, word: `dependent blocks, now ${dependentRows ? 'dirty' : 'missing'}`, blocks: dependent },
  ])
  return await propose(context, parts, {
    tables: plan.map(({ table }) => table.key),
    question: (tables) => `Revoke the acceptance, so that these blocks of ${tables} no longer count as done?`,
    record: (note) => revoke(workspace, { options, plan }, note),
    recorded: 'Revoked. `backfill status` shows what the blocks are now; `backfill up` runs those with rows.',
  })
}

type Part = { readonly table: string; readonly word: string; readonly blocks: readonly Range[] }

type Proposal = {
  readonly tables: readonly string[]
  readonly question: (tables: string) => string
  readonly record: (note: (text: string) => void) => Promise<void>
  readonly recorded: string
}

async function propose(
  context: Context,
  parts: readonly Part[],
  { tables, question, record, recorded }: Proposal,
): Promise<number> {
  const { output, flags } = context
  const json = flags.has('json')
  const print = (lines: readonly string[]) => (json ? undefined : output.result(lines))
  print(partLines(parts))
  const records = !flags.has('dry-run') && tables.length > 0
  if (records) {
    await confirm(context, question(tables.length <= 3 ? tables.join(', ') : count(tables.length, 'table')))
    await record((text) => output.message([text]))
    print([recorded])
  } else print([flags.has('dry-run') ? 'Nothing has been written.' : 'Nothing to do.'])
  const found = parts.filter(({ blocks }) => blocks.length > 0)
  if (json) output.json({ parts: found, tables, recorded: records })
  return EXIT.ok
}

/** `source gap 9001-11500 (2,500 blocks): address_diffs, address_reads`. Parts without blocks are left out. */
function partLines(parts: readonly Part[]): readonly string[] {
  const lines = parts
    .filter(({ blocks }) => blocks.length > 0)
    .map(({ table, word, blocks }) => ({ table, text: `${word} ${formatRanges(blocks, 10)}` }))
  return [...Map.groupBy(lines, ({ text }) => text)].map(
    ([text, of]) => `${text}: ${of.map(({ table }) => table).join(', ')}`,
  )
}
