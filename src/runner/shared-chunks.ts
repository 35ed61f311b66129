// Owns which chunks share a step: the table that starts one computes it, its kin takes the same range next.
import { randomUUID } from 'node:crypto'
import type { Range } from '../model/blocks.ts'
import type { Offer, Piece, SettlePiece } from './piece.ts'
import { covers, subtract, union } from '../model/blocks.ts'
import { knownFingerprint } from '../sources/fingerprint.ts'
import { sharedStep } from '../sql-syntax/shared-cte.ts'
import { rowsIn } from '../planning/weights.ts'
import type { TableRun } from './table-run.ts'

export type Choice = { readonly run: TableRun; readonly piece: Piece }

export type Sharing = {
  /** A piece whose shared step waits for a table with a free slot: the sooner it is taken, the less memory waits. */
  offered(): Choice | undefined
  /** Whether the table had better wait a moment: its kin is being locked or surveyed, or has enough on its plate. */
  isEarly(run: TableRun): boolean
  /** Takes a range out of what is runnable, and reserves it for the table's kin where both can share a step. */
  take(run: TableRun, range: Range): Piece
  readonly settle: SettlePiece
}

export type SharingOptions = {
  readonly runs: ReadonlyMap<string, TableRun>
  /** Statements at once for one table. */
  readonly tableJobs: number
  /** Most shared steps that may wait for one table, each with its rows in the server's memory. */
  readonly waiting: number
}

/** Who shares with whom follows from the SQL alone: `shared` in the header, and the same text up to there. */
export function makeSharing({ runs, tableJobs, waiting }: SharingOptions): Sharing {
  const kinOf = findKin([...runs.values()])
  /** Those of tables that go on: a failed table takes nothing more, the rows go with their session. */
  const offers = (): readonly { readonly run: TableRun; readonly offer: Offer }[] =>
    [...runs.values()]
      .filter(({ failure }) => failure === undefined)
      .flatMap((run) => run.offers.map((offer) => ({ run, offer })))

  return {
    offered() {
      const found = offers().find(({ run, offer }) => offer.ready && run.running < tableJobs)
      if (found === undefined) return undefined
      const { run, offer } = found
      run.offers = run.offers.filter((one) => one !== offer)
      return { run, piece: offer.piece }
    },

    isEarly(run) {
      const kin = kinOf.get(run)
      if (kin === undefined || kin.failure !== undefined) return false
      if (kin.offers.length >= waiting || kin.phase === 'locking') return true
      return kin.surveying && kin.runnable.length === 0
    },

    take(run, range) {
      run.runnable = subtract(run.runnable, [range])
      const piece = {
        range,
        rows: rowsIn(run.weights, range),
        fingerprint: knownFingerprint(run.buckets, range),
      }
      const kin = kinOf.get(run)
      const free = kin !== undefined && kin.failure === undefined && kin.phase === 'locked'
      if (!free || !covers(kin.runnable, range)) return { ...piece, pass: undefined }
      const session = `backfill-${randomUUID()}`
      kin.runnable = subtract(kin.runnable, [range])
      kin.offers = [
        ...kin.offers,
        { ...range, piece: { ...piece, pass: { session, role: 'last' } }, ready: false },
      ]
      return { ...piece, pass: { session, role: 'first' } }
    },

    settle({ pass }, fingerprint) {
      const found = offers().find(({ offer }) => !offer.ready && offer.piece.pass?.session === pass?.session)
      if (found === undefined) return
      const { run, offer } = found
      const others = run.offers.filter((one) => one !== offer)
      if (fingerprint === undefined) {
        run.offers = others
        run.runnable = union(run.runnable, [offer.piece.range])
      } else {
        // One that is asked for later could speak of rows that the step has not seen.
        run.offers = [...others, { ...offer, piece: { ...offer.piece, fingerprint }, ready: true }]
      }
    },
  }
}

/** Pairs of tables with the same shared step; of three, the third runs by itself. */
function findKin(runs: readonly TableRun[]): ReadonlyMap<TableRun, TableRun> {
  const pairs = new Map<TableRun, TableRun>()
  // What a table in `after` held is known by a mark of its own, which each chunk takes for itself.
  const able = runs.filter(({ standing }) => standing.table.after.length === 0)
  const alike = Map.groupBy(able, ({ standing }) => sharedStep(standing.table)?.identity)
  for (const [identity, [one, other]] of alike) {
    if (identity === undefined || one === undefined || other === undefined) continue
    pairs.set(one, other).set(other, one)
  }
  return pairs
}
