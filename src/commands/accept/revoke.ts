// Owns the revocation of acceptances: accepted blocks become missing, and blocks computed from them run again.
import { type AcceptOptions, record } from './accept.ts'
import { type BackfillError, usageError } from '../../model/errors.ts'
import { REVOKED } from '../../ledger/events.ts'
import { type BlockSet, formatBlockSet, intersect, type Range, union } from '../../model/blocks.ts'
import type { TableDefinition } from '../../model/model.ts'
import { blocksIn, readTableStatuses, type TableStatus } from '../../planning/table-status.ts'
import type { Workspace } from '../../runner/workspace.ts'

/** `named`: the user named the tables, and each must have accepted blocks in the range. */
type RevokeOptions = Pick<AcceptOptions, 'range' | 'named'>

export type Revocation = {
  readonly table: TableDefinition
  readonly targetUuid: string
  readonly blocks: BlockSet
  /** Blocks computed from tables whose acceptance is revoked: they run again once those tables are covered. */
  readonly dependent: BlockSet
  /** Whether the table has rows of these blocks: then they are dirty until they run again, otherwise missing. */
  readonly dependentRows: boolean
}

export async function planRevocation(
  workspace: Workspace,
  { range, named }: RevokeOptions,
): Promise<readonly Revocation[]> {
  // All tables: a revocation also affects the readers of a chosen table.
  const everything = { ...workspace, chosen: workspace.catalogue.tables }
  const tableStatuses = await readTableStatuses(everything, { lag: 0 })
  const found = new Map<string, Revocation>()
  // The catalogue lists inputs before their readers.
  for (const tableStatus of tableStatuses.values()) {
    const { table, view, target } = tableStatus
    const accepted = intersect(blocksIn(view, 'accepted'), [range])
    const chosen = workspace.chosen.some(({ key }) => key === table.key)
    if (chosen && named && accepted.length === 0) throw nothingAccepted(table.key, range, tableStatus)
    const blocks = chosen ? accepted : []
    const below = table.after.reduce<BlockSet>((all, input) => {
      const one = found.get(input)
      return one === undefined ? all : union(all, union(one.blocks, one.dependent))
    }, [])
    const dependent = intersect(blocksIn(view, 'done'), below)
    if (target === undefined || blocks.length + dependent.length === 0) continue
    const dependentRows = (await workspace.ports.executor.count(table, dependent)) > 0
    found.set(table.key, { table, targetUuid: target.uuid, blocks, dependent, dependentRows })
  }
  if (found.size === 0) throw nothingAccepted('any table', range, undefined)
  return [...found.values()]
}

/** @throws BackfillError `locked` if a run works on a table; `failed` if the plan changed */
export async function revoke(
  workspace: Workspace,
  { options, plan }: { readonly options: RevokeOptions; readonly plan: readonly Revocation[] },
  note: (text: string) => void,
): Promise<void> {
  await record(workspace, note, {
    word: 'revoke',
    plan,
    again: () => planRevocation(workspace, options),
    events: ({ blocks, dependent, dependentRows }) => [
      { event: dependentRows ? 'invalidated' : 'cleaned', blocks: dependent },
      // `cleaned`: accepted blocks have no rows, so recovery has nothing to look for.
      { event: 'cleaned', error: REVOKED, blocks },
    ],
  })
}

function nothingAccepted(who: string, range: Range, tableStatus: TableStatus | undefined): BackfillError {
  const elsewhere = blocksIn(tableStatus?.view, 'accepted')
  return usageError(
    `nothing is accepted in ${formatBlockSet([range])} of ${who}`,
    elsewhere.length > 0
      ? `accepted: ${formatBlockSet(elsewhere)}`
      : '`backfill status` shows accepted blocks',
  )
}
