// Owns the expected blocks of a table: its first block and its head, from the sources' extents, the lag and `blocks`.
import type { BlockLimit, BlockLimits, BlockCoverage, Network } from '../model/model.ts'
import { type Range, formatPosition, isTime, namedPosition } from '../model/blocks.ts'
import { knownNames, usageError } from '../model/errors.ts'

/** A table's bounds before its limits (`blocks`) apply: first and last block of its inputs. */
type Extents = {
  readonly first: number | undefined
  readonly head: number | undefined
  /** The head without `--to`: blocks above it are forced. */
  readonly naturalHead: number | undefined
  /** The newest block that all sources have reached, whatever the lag and `--to`. */
  readonly newest: number | undefined
}

export type Bounds = {
  /** Before `blocks`: dependants use these, so that a table that ends at a fork does not end its dependants. */
  readonly inputs: Extents
  readonly limits: Limits
  /** Expected blocks, closed; undefined if there are none. */
  readonly expected: Range | undefined
  /** Why no block is expected, as a sentence for people; undefined if some are. */
  readonly note: string | undefined
  /** Which source is not ready up to where the lag would let the table go, as a sentence. */
  readonly unready?: string | undefined
  /** Which source ends far below the others, and so holds the table back, as a sentence. */
  readonly slow?: string | undefined
}

export type SourceExtent = {
  readonly table: string
  readonly blockCoverage: BlockCoverage
  readonly extent: Range | undefined
  /** Distance to keep from its newest block, in place of that of all sources. */
  readonly lag?: number | undefined
  readonly ready?: Readiness | undefined
}

/** Up to where a source is complete, by its own SELECT; -1: nowhere. */
type Readiness = { readonly to: number; readonly reason: string }

export type BoundsInput = {
  readonly sources: readonly SourceExtent[]
  readonly after: readonly Bounds[]
  readonly limits: Limits
  /** Distance to keep from the newest block, in blocks. */
  readonly lag: number
  /** The operator declares that the sources are complete up to here: raises the head. */
  readonly forcedHead?: number | undefined
}

/**
 * First block: the highest of the `every-block` sources' lowest. Head: the lowest of the not sparse sources' highest, minus the lag; sparse ones do not
 * show the end of the chain. A table that reads only derived tables starts and ends where they do.
 */
export function tableBounds(input: BoundsInput): Bounds {
  const { sources, after, limits, lag, forcedHead } = input
  let unready: string | undefined
  const nothing = (note: string, inputs: Extents = NO_EXTENTS): Bounds => ({
    inputs,
    limits,
    expected: undefined,
    note,
    unready,
  })

  const bounding = boundingSources(sources)
  const empty = bounding.filter(({ extent }) => extent === undefined)
  if (empty.length > 0)
    return nothing(`no rows of this network in ${empty.map(({ table }) => table).join(', ')}`)
  if (sources.length === 0 && after.every(({ inputs }) => inputs.first === undefined))
    return nothing('the tables it reads have no blocks yet')

  const first = firstBlock(bounding, after)
  const ownNewest = Math.min(...bounding.map(({ extent }) => extent!.to))
  const newest = Math.min(ownNewest, ...after.flatMap(({ inputs }) => inputs.newest ?? []))
  const lagging = Math.min(...bounding.map((source) => source.extent!.to - (source.lag ?? lag)))
  const ownHead = Math.min(lagging, ...sources.map(({ ready }) => ready?.to ?? Infinity))
  unready = unreadyText(sources, ownHead < lagging ? ownHead : undefined)
  const naturalHead = Math.min(ownHead, ...after.flatMap(({ inputs }) => inputs.naturalHead ?? []))
  const head = Math.max(naturalHead, forcedHead ?? naturalHead)
  const inputs = { first, head, naturalHead, newest }
  if (head < first)
    return nothing(
      unready === undefined && Number.isFinite(ownNewest) && ownNewest >= first
        ? `the lag (${ownNewest - ownHead} ${isTime(ownNewest) ? 'seconds' : 'blocks'}) is larger than the chain (newest ${isTime(ownNewest) ? 'row' : 'block'} ${formatPosition(ownNewest)}); use --lag 0`
        : (unready ?? `the first block is ${formatPosition(first)}, the head ${formatPosition(head)}`),
      inputs,
    )

  const expected = { from: Math.max(first, limits.from ?? first), to: Math.min(head, limits.to ?? head) }
  if (expected.from > expected.to)
    return nothing(
      `its blocks are ${limits.from ?? ''}..${limits.to ?? ''}, the sources have ${first}..${head}`,
      inputs,
    )
  return { inputs, limits, expected, note: undefined, unready, slow: slowSource(bounding, limits) }
}

function unreadyText(sources: readonly SourceExtent[], head: number | undefined): string | undefined {
  const source = sources.find(({ ready }) => head !== undefined && ready?.to === head)
  if (source === undefined) return undefined
  const { to, reason } = source.ready!
  return `waiting for ${source.table}, which is ready ${to < 0 ? 'nowhere' : `up to ${namedPosition(to)}`}${reason && `: ${reason}`}`
}

/** Sources are filled one after the other; twenty minutes are more than a turn takes. */
const TURN = { blocks: 100, seconds: 1200 }

function slowSource(bounding: readonly SourceExtent[], limits: Limits): string | undefined {
  if (bounding.length < 2 || bounding.some(({ blockCoverage }) => blockCoverage === 'sparse'))
    return undefined
  const ends = bounding.map(({ table, extent, lag = 0 }) => ({
    table,
    to: extent!.to,
    due: extent!.to + lag,
  }))
  const last = ends.reduce((late, one) => (one.due < late.due ? one : late), ends[0]!)
  const behind = Math.max(...ends.map(({ due }) => due)) - last.due
  const what = isTime(last.to) ? 'seconds' : 'blocks'
  if (behind <= TURN[what] || last.to >= (limits.to ?? Infinity)) return undefined
  return `${last.table} ends at ${what === 'blocks' ? 'block ' : ''}${formatPosition(last.to)}, ${behind} ${what} below its other sources: nothing later runs before it has rows`
}

/** The blocks of a table that a dependant must wait for: from its first block on, limited only by `blocks`. */
export function expectedByDependants(bounds: Bounds): Range | undefined {
  const from = Math.max(bounds.inputs.first ?? 0, bounds.limits.from ?? 0)
  const to = bounds.limits.to ?? Number.MAX_SAFE_INTEGER
  return from <= to ? { from, to } : undefined
}

const NO_EXTENTS: Extents = { first: undefined, head: undefined, naturalHead: undefined, newest: undefined }

/** Sources that bound the head: all except sparse ones, unless all are sparse. */
function boundingSources(sources: readonly SourceExtent[]): readonly SourceExtent[] {
  const bounding = sources.filter(({ blockCoverage }) => blockCoverage !== 'sparse')
  return bounding.length > 0 ? bounding : sources
}

function firstBlock(bounding: readonly SourceExtent[], after: readonly Bounds[]): number {
  const dense = bounding.filter(({ blockCoverage }) => blockCoverage === 'every-block')
  if (dense.length > 0) return Math.max(...dense.map(({ extent }) => extent!.from))
  const lowest = bounding.map(({ extent }) => extent!.from)
  return Math.min(...(lowest.length > 0 ? lowest : after.flatMap(({ inputs }) => inputs.first ?? [])))
}

/** First and last block that a table may hold on a network; undefined if that side is open. */
export type Limits = { readonly from: number | undefined; readonly to: number | undefined }

/** `to` may be below `from`, even -1: no blocks there (`..dencun-1` if dencun is 0). Throws a usage error for a fork that the network lacks. */
export function resolveLimits({ from, to }: BlockLimits, forks: Network['forks']): Limits {
  return {
    from: from && Math.max(0, resolve(from, forks)),
    to: to && Math.max(-1, resolve(to, forks)),
  }
}

function resolve({ fork, offset }: BlockLimit, forks: Network['forks']): number {
  if (fork === undefined) return offset
  const first = Object.hasOwn(forks, fork) ? forks[fork] : undefined
  if (first === undefined) {
    throw usageError(
      `blocks: the network has no fork '${fork}'`,
      knownNames('forks', fork, Object.keys(forks)),
    )
  }
  return first + offset
}
