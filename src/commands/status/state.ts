// Owns the state of a table in `status`, and why it stands still. Pure.
import { type Hold, holdText, isStop } from '../../ledger/steering.ts'
import { isWorking, type SeenLock } from '../../lock/watch.ts'
import { countBlocks, type Range } from '../../model/blocks.ts'
import type { Standstill } from '../../model/standstill.ts'
import type { Absence, AbsenceState } from '../../planning/absence.ts'
import type { TableStatus } from '../../planning/table-status.ts'

type Work = { readonly lock: SeenLock | null; readonly holds: readonly Hold[] } & Readonly<
  Record<'missing' | 'incomplete', readonly Range[]>
>

/** Why nothing more of a table is done now; null if a run would do more. */
export function standstillOf(
  { lock, holds, missing, incomplete }: Work,
  { inputs: { newest } }: TableStatus['bounds'],
): Standstill | null {
  const load = holds.find(({ action }) => action === 'load')
  if (load !== undefined && missing.length > 0) return { reason: 'load', found: holdText(load) }
  if (lock !== null && isWorking(lock)) return { reason: 'lock', host: lock.host, pid: lock.pid }
  const stop = holds.find(isStop)
  if (missing.length > 0)
    return stop === undefined
      ? null
      : { reason: stop.action === 'load' ? 'load' : 'paused', found: holdText(stop) }
  const [first] = incomplete
  if (first !== undefined) return { reason: 'incomplete', block: first.from, blocks: countBlocks(incomplete) }
  return newest === undefined ? null : { reason: 'source', block: newest }
}

type Described = {
  readonly first: number | null
  readonly missingBlocks: number
  readonly holds: readonly Hold[]
  readonly lock: SeenLock | null
  readonly absences: readonly Absence[]
} & Readonly<Record<'dirty' | 'stale' | 'incomplete', readonly Range[]>>

export function stateOf(report: Described, exists: boolean): TableState {
  if (!exists) return 'not created'
  if (report.missingBlocks > 0 && report.holds.some(isStop)) return 'waiting'
  if (isWorking(report.lock)) return 'in progress'
  if (report.dirty.length > 0) return 'dirty'
  const [absence] = report.absences
  if (absence !== undefined) return absence.state
  // The notes say why: the lag or its limits leave no block.
  if (report.first === null) return 'waiting'
  if (report.missingBlocks > 0) return 'missing'
  if (report.stale.length > 0) return 'stale'
  return report.incomplete.length > 0 ? 'waiting' : 'up to date'
}

export type TableState =
  /** Every block that the sources have up to the head is done; source gaps are listed separately. */
  | 'up to date'
  /** Paused, or held back by load, or only incomplete blocks are left, or no block is expected yet: the notes say why. */
  | 'waiting'
  /** Blocks are missing and no run works on them. */
  | 'missing'
  /** A runner holds the lock, and gives signs. */
  | 'in progress'
  /** A range may be half written. */
  | 'dirty'
  /** Done ranges would be computed differently now. */
  | 'stale'
  /** The target table does not exist. */
  | 'not created'
  | AbsenceState
