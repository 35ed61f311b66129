// Owns `list --orphans`: tables that the ledger knows and no SQL folder has. Reads only.
import { askLedger } from '../../ledger/ask.ts'
import type { TableDefinition } from '../../model/model.ts'
import type { Context } from '../../session/command.ts'
import { withTarget } from '../../session/target.ts'
import { openTarget } from '../../targets/target.ts'

/** `table`: its key; `target`: the database and name of its latest table, null if that is gone; times are of the ledger. */
export type Orphan = {
  readonly table: string
  readonly target: string | null
  readonly events: number
  readonly last_event: string
}

/** The network's tables in the ledger that are not `known`; none without a ledger. @throws BackfillError `server` */
export async function readOrphans(
  context: Context,
  known: readonly TableDefinition[],
): Promise<readonly Orphan[]> {
  return await withTarget(context, async (place) => {
    if ((await openTarget(place).ledgerState()) === 'absent') return []
    return await askLedger<Orphan>(place, 'log/orphans', { known: known.map(({ key }) => key) })
  })
}
