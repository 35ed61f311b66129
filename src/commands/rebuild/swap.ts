// Owns the instant at which the new table takes the old one's place.
import { BackfillError, retryOf, usageError } from '../../model/errors.ts'
import { type BuildOf, isOf, oldName, readRole, readyName } from './names.ts'
import type { NamedTable, RebuildPort } from './tables.ts'
import type { Rebuilding } from './workspace.ts'
import type { TableDefinition } from '../../model/model.ts'
import type { Workspace } from '../../runner/workspace.ts'

/** After an answer that was lost. */
const MAX_TRIES = 3

/**
 * Exchanges the tables, data and coverage at once, since events belong to UUIDs. Resolves with the old table under the
 * name that it has got. An EXCHANGE cannot carry the fence: instead the new table gets a name of this epoch first, so that
 * one that is delivered late, of a call that died, finds no table to exchange and swaps nothing back.
 */
export async function swap(rebuilding: Rebuilding, build: BuildOf): Promise<NamedTable> {
  const { workspace, ports, table, lock, options, hooks } = rebuilding
  for (let attempt = 1; ; attempt++) {
    // Nobody has taken the lock meanwhile, and nobody will in the moment that is left.
    await lock.renew()
    const { present, built, replaced } = await readSides(workspace, ports.rebuild, table)
    if (replaced[0] !== undefined) return replaced[0]
    const [next] = built
    if (present.uuid !== build.uuid || next === undefined)
      throw new BackfillError(
        `somebody replaced ${table.target} or the table built for it: nothing was exchanged`,
        {
          kind: 'failed',
          hint: `Run backfill rebuild ${table.key} again`,
        },
      )
    const name = readyName(build, lock.epoch)
    try {
      await ports.rebuild.rename(next.name, name)
      await ports.rebuild.exchange(table.target, name)
      return { ...present, name }
    } catch (error) {
      if (retryOf(error) !== 'reconnect' || attempt === MAX_TRIES) throw error
      await workspace.ports.queries.reachable({ giveUpMs: options.up.giveUpMs, signal: hooks.signal })
    }
  }
}

/** The tables of one target as they stand. */
export type Sides = {
  readonly present: NamedTable
  /** Built by the file as it is, or as it was, to replace the present table; not yet exchanged. */
  readonly built: readonly NamedTable[]
  /** Exchanged, and not yet called old: the last step of an earlier rebuild is to be done. */
  readonly replaced: readonly NamedTable[]
  readonly old: readonly NamedTable[]
  /** Built to replace a table that has gone since: of no use to anybody. */
  readonly stray: readonly NamedTable[]
}

/** @throws BackfillError `usage` where there is no table that could be rebuilt */
export async function readSides(
  { ports }: Workspace,
  rebuild: RebuildPort,
  { key, target }: TableDefinition,
): Promise<Sides> {
  const tables = await rebuild.tables(target)
  const present = tables.find(({ name }) => name === target)
  const place = `${ports.target.database}.${target}`
  if (present === undefined)
    throw usageError(
      `${place} does not exist: there is nothing to rebuild`,
      `backfill up --tables ${key} creates and fills it`,
    )
  const ours = tables.flatMap((table) => {
    const role = readRole(target, table.name)
    return role === undefined ? [] : [{ table, role }]
  })
  const of = (wanted: (one: (typeof ours)[number]) => boolean) =>
    ours.filter(wanted).map(({ table }) => table)
  // Whichever name it bears: a table that is to replace itself has been exchanged.
  const isReplaced = ({ table, role }: (typeof ours)[number]) =>
    role.state !== 'old' && isOf(table.uuid, role.replaces)
  const isBuilt = (one: (typeof ours)[number]) =>
    one.role.state !== 'old' && !isReplaced(one) && isOf(present.uuid, one.role.replaces)
  return {
    present,
    built: of(isBuilt),
    replaced: of(isReplaced),
    old: of(({ role }) => role.state === 'old'),
    stray: of((one) => one.role.state !== 'old' && !isReplaced(one) && !isBuilt(one)),
  }
}

/** Gives a table that was exchanged its last name. Once more, where an earlier try was ended. */
export async function finishSwap(
  rebuild: RebuildPort,
  { target }: TableDefinition,
  replaced: NamedTable,
): Promise<string> {
  const name = oldName(target, replaced.uuid)
  await rebuild.rename(replaced.name, name)
  return name
}
