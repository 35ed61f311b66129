// Owns what people do to tables behind the program's back: rows go, come, or are put back from a backup; and what may not be
// expected of runs since.
import type { Act } from './acts.ts'
import { latest } from './judge.ts'
import { BLOCKS, type Key, type Row, type Target, type World } from './world.ts'

type Restore = Extract<Act, { readonly act: 'restore' }>

type Bare = Omit<Row, 'order' | 'writer'>

/** `isAnyoneAtWork`: a run goes on. */
export function openPeople(world: World, said: (words: string) => void, isAnyoneAtWork: () => boolean) {
  const backups = new Map<Key, readonly Row[]>()
  const is = {
    /** Somebody has taken rows away, or another table has come under a run: it says so, and a person decides. */
    emptied: false,
    /** A table has rows of which the ledger knows nothing, or had. */
    restored: false,
  }

  function take(table: Key, isReplaced: boolean): void {
    const target = world.targets.get(table)
    if (target === undefined) return
    said(`${table} is ${isReplaced ? 'dropped' : 'truncated'}`)
    // A run that is under way has said it was done, or writes into the new table.
    is.emptied ||= !isReplaced || isAnyoneAtWork()
    if (isReplaced) return void world.targets.delete(table)
    target.rows = []
    target.masked = 0
  }

  /** Into a block of a table that replaces rows: there nobody notices it but who compares. */
  function putRow(table: Key, block: number): void {
    const target = world.targets.get(table)
    if (table !== 'echo' || target === undefined || latest(world, target).get(block)?.event !== 'done') return
    said(`somebody puts a row into block ${block} of ${table}`)
    world.stray(target, block)
  }

  function backUp(table: Key): void {
    said(`${table} is backed up`)
    backups.set(table, world.targets.get(table)?.rows ?? [])
  }

  /** Under a new UUID: the rows of the last backup, or of now; or what a script has made of the present source. */
  function restore({ table, by, spoilt, block }: Restore): void {
    // Nobody restores a table under a run.
    if (isAnyoneAtWork()) return
    const target = world.targets.get(table)
    const kept = backups.get(table) ?? target?.rows ?? []
    const made = () => world.transform(table, { from: 1, to: BLOCKS })
    const rows: readonly Bare[] = by === 'script' || kept.length === 0 ? made() : kept
    said(`${table} comes from a ${by}${spoilt === undefined ? '' : `, block ${block} ${spoilt}`}`)
    is.restored = true
    world.targets.delete(table)
    world.create(table)
    world.targets.get(table)!.rows = rows
      .flatMap((row) => (row.block === block ? spoil(row, spoilt) : [row]))
      .map((row) => ({ ...row, order: world.order(), writer: by }))
  }

  return { is, take, putRow, backUp, restore }
}

function spoil(row: Bare, spoilt: Restore['spoilt']): readonly Bare[] {
  if (spoilt === 'lacking') return []
  if (spoilt === 'twice') return [row, row]
  // No row of the source ever had it.
  return [spoilt === 'wrong' ? { ...row, value: row.value + 50 } : row]
}

/** The ledger has no event of it. */
export function isUnknown(world: World, { uuid, rows, masked }: Target): boolean {
  return rows.length + masked > 0 && world.ledger.every(({ target_uuid: known }) => known !== uuid)
}
