// Owns which tables a rebuild finds beside the one it is about, and the last steps of an earlier one that was ended.
import { usageError } from '../../model/errors.ts'
import type { World } from '../../runner/world.ts'
import type { TableDefinition } from '../../model/model.ts'
import { isOf, oldName, readSide } from './names.ts'
import type { NamedTable, RebuildPort } from './rebuild-port.ts'

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
  { ports }: World,
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
    const side = readSide(target, table.name)
    return side === undefined ? [] : [{ table, side }]
  })
  const of = (wanted: (one: (typeof ours)[number]) => boolean) =>
    ours.filter(wanted).map(({ table }) => table)
  // Whichever name it bears: a table that is to replace itself has been exchanged.
  const isReplaced = ({ table, side }: (typeof ours)[number]) =>
    side.state !== 'old' && isOf(table.uuid, side.replaces)
  const isBuilt = (one: (typeof ours)[number]) =>
    one.side.state !== 'old' && !isReplaced(one) && isOf(present.uuid, one.side.replaces)
  return {
    present,
    built: of(isBuilt),
    replaced: of(isReplaced),
    old: of(({ side }) => side.state === 'old'),
    stray: of((one) => one.side.state !== 'old' && !isReplaced(one) && !isBuilt(one)),
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
