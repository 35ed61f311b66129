// Owns source rows that are written again in the middle of a round, where no table has been built from them yet.
import type { Catalogue } from '../../src/model/model.ts'
import type { Databases } from '../support/audit.ts'
import { post } from '../support/server.ts'
import { openTestWorkspace } from '../support/workspace.ts'
import type { Login } from './ground.ts'

/** Makes the transaction of a block that no table has done yet fail, as a walker would that comes by again. */
export async function rewriteSources(
  server: Login,
  {
    source,
    databases,
    catalogue,
    tables,
    blocks,
    random,
  }: {
    readonly source: Login
    readonly databases: Databases
    readonly catalogue: Catalogue
    readonly tables: string
    readonly blocks: number
    readonly random: () => number
  },
): Promise<string> {
  const opened = await openTestWorkspace({
    ...databases,
    server,
    sourceServer: source,
    tables: tables.split(','),
    catalogue,
  })
  const { chosen, ports } = opened.workspace
  try {
    if ((await ports.target.ledgerState()) === 'absent') return 'no ledger yet'
    const targets = await ports.target.tables(chosen.map(({ target }) => target))
    const uuids = new Map(
      chosen.flatMap(({ key, target }) =>
        targets.has(target) ? [[key, targets.get(target)!.uuid] as const] : [],
      ),
    )
    const views = await ports.ledger.fold(uuids)
    const islands = [...views.values()].flatMap((view) => view.islands)
    const free = Array.from({ length: blocks }, (_, index) => index + 1).filter(
      (block) => !islands.some(({ from, to, state }) => state === 'done' && from <= block && block <= to),
    )
    const block = free[Math.floor(random() * free.length)]
    if (block === undefined) return 'all is done'
    await post(
      source,
      `INSERT INTO {source:Identifier}.canonical_execution_transaction
      SELECT * REPLACE (now() AS updated_date_time, false AS success)
      FROM {source:Identifier}.canonical_execution_transaction WHERE block_number = {block:UInt64}`,
      { source: databases.source, block },
    )
    return `rewrote block ${block}`
  } finally {
    await opened.close()
  }
}
