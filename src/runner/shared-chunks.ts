// Owns which chunks share a step: the first table computes it, and its partner runs the same range next.
import { covers, type Range, subtract, union } from '../model/blocks.ts'
import { knownFingerprint } from '../sources/fingerprint.ts'
import { sharedStep } from '../sql-syntax/shared-cte.ts'
import { rowsIn } from '../planning/row-estimates.ts'
import type { ChunkWork, Reservation, TableRun } from './table-run.ts'
import { randomId } from '../seam/random.ts'

export type Choice = { readonly run: TableRun; readonly work: ChunkWork }

/**
 * Partners follow from the SQL alone: `shared` in the header, and the same text up to that CTE.
 * @param slotsOf statements at once of a table, now
 * @param waiting most shared steps that may wait for one table, each with its rows in the server's memory
 */
export function makeSharing(
  runs: ReadonlyMap<string, TableRun>,
  slotsOf: (key: string) => number,
  waiting: number,
) {
  const partnerOf = findPartners([...runs.values()])
  /** Reservations of tables that have not failed; for a failed table, the rows vanish with their session. */
  const reservations = (): readonly { readonly run: TableRun; readonly reservation: Reservation }[] =>
    [...runs.values()]
      .filter(({ failure }) => failure === undefined)
      .flatMap((run) => run.reservations.map((reservation) => ({ run, reservation })))

  return {
    /** A chunk whose shared step is ready, for a table with a free slot: run it soon, because its rows occupy memory. */
    nextReserved(): Choice | undefined {
      const found = reservations().find(
        ({ run, reservation }) => reservation.ready && run.running < slotsOf(run.key),
      )
      if (found === undefined) return undefined
      const { run, reservation } = found
      run.reservations = run.reservations.filter((one) => one !== reservation)
      return { run, work: reservation.work }
    },

    /** Whether the table should wait: its partner is being locked or probed, or has enough reservations. */
    isEarly(run: TableRun): boolean {
      const partner = partnerOf.get(run)
      if (partner === undefined || partner.failure !== undefined) return false
      if (partner.reservations.length >= waiting || partner.phase === 'locking') return true
      return partner.probing && partner.runnable.length === 0
    },

    /** Takes a range out of the runnable blocks, and reserves it for the table's partner if both can share a step. */
    take(run: TableRun, range: Range): ChunkWork {
      run.runnable = subtract(run.runnable, [range])
      const work = {
        range,
        rows: rowsIn(run.rowEstimates, range),
        fingerprint: knownFingerprint(run.buckets, range),
      }
      const partner = partnerOf.get(run)
      const free = partner !== undefined && partner.failure === undefined && partner.phase === 'locked'
      if (!free || !covers(partner.runnable, range)) return { ...work, stepSession: undefined }
      const session = `backfill-${randomId()}`
      partner.runnable = subtract(partner.runnable, [range])
      partner.reservations = [
        ...partner.reservations,
        { ...range, work: { ...work, stepSession: { session, role: 'last' } }, ready: false },
      ]
      return { ...work, stepSession: { session, role: 'first' } }
    },

    /**
     * At the end of a chunk: the partner uses the shared step, which has read the sources as of the fingerprint; without one it
     * computes the range itself.
     */
    confirm({ stepSession }: ChunkWork, fingerprint: ChunkWork['fingerprint']): void {
      const found = reservations().find(
        ({ reservation }) =>
          !reservation.ready && reservation.work.stepSession?.session === stepSession?.session,
      )
      if (found === undefined) return
      const { run, reservation } = found
      const others = run.reservations.filter((one) => one !== reservation)
      if (fingerprint === undefined) {
        run.reservations = others
        run.runnable = union(run.runnable, [reservation.work.range])
      } else {
        // A fingerprint read later could include rows that the step has not read.
        run.reservations = [
          ...others,
          { ...reservation, work: { ...reservation.work, fingerprint }, ready: true },
        ]
      }
    },
  }
}

/** Pairs of tables with the same shared step; a third table runs without a partner. */
function findPartners(runs: readonly TableRun[]): ReadonlyMap<TableRun, TableRun> {
  const pairs = new Map<TableRun, TableRun>()
  // Tables with `after` are left out: the input versions in their fingerprints are read by each chunk separately.
  const able = runs.filter(
    ({ tableStatus }) => tableStatus.table.after.length === 0 && tableStatus.table.sequential === undefined,
  )
  const alike = Map.groupBy(able, ({ tableStatus }) => sharedStep(tableStatus.table)?.identity)
  for (const [identity, [one, other]] of alike) {
    if (identity === undefined || one === undefined || other === undefined) continue
    pairs.set(one, other).set(other, one)
  }
  return pairs
}
