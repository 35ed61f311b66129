// Owns the state of a table in `status`, and why it stands still. Pure.
import { type Hold, holdText, isOfRun, isStop } from '../../ledger/steering.ts'
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
  const heldBack = holds.find(isOfRun)
  if (heldBack !== undefined && missing.length > 0) return heldBy(heldBack)
  if (lock !== null && isWorking(lock)) return { reason: 'lock', host: lock.host, pid: lock.pid }
  const stop = holds.find(isStop)
  if (missing.length > 0) return stop === undefined ? null : heldBy(stop)
  const [first] = incomplete
  if (first !== undefined) return { reason: 'incomplete', block: first.from, blocks: countBlocks(incomplete) }
  return newest === undefined ? null : { reason: 'source', block: newest }
}

function heldBy(hold: Hold): Standstill {
  return { reason: isOfRun(hold) ? hold.action : 'paused', found: holdText(hold) }
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
  /** Paused, or a run of it is held back, or only incomplete blocks are left, or no block is expected yet: the notes say why. */
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
