// Owns what may happen in a history: acts at a time, faults of the n-th statement of a name, all drawn from a seed.
import { type Draw, drawFrom } from './time.ts'
import { BLOCKS, type Key, KEYS } from './world.ts'

type Kind<Name extends string> = {
  readonly fault: Name
  /** Whose n-th. */
  readonly statement: string
  readonly nth: number
}

export type Fault =
  | Kind<'killed before' | 'killed after' | 'killed meanwhile' | 'unsent' | 'lost' | 'lost meanwhile'>
  | (Kind<'late' | 'twice' | 'slow'> & { readonly ms: number })
  | (Kind<'refused' | 'partly'> & { readonly code: number })

/** `runner`: the n-th that was started. */
export type Act = { readonly at: number } & (
  | { readonly act: 'up'; readonly host: string; readonly jobs: number; readonly chunk: number }
  | { readonly act: 'kill'; readonly runner: number }
  | { readonly act: 'stop'; readonly runner: number; readonly ms: number }
  | { readonly act: 'jump'; readonly runner: number; readonly ms: number }
  | { readonly act: 'restart'; readonly ms: number }
  | { readonly act: 'rewrite'; readonly block: number }
  | {
      readonly act: 'redo'
      readonly host: string
      readonly table: Key
      readonly from: number
      readonly to: number
    }
  | { readonly act: 'rebuild'; readonly host: string; readonly table: Key; readonly dropOld: boolean }
  | { readonly act: 'verify sources' | 'redo stale' | 'status'; readonly host: string }
  | { readonly act: 'replace' | 'truncate'; readonly table: Key }
  | { readonly act: 'pause'; readonly ms: number }
)

export type History = {
  readonly seed: number
  /** The tables that its runs choose; fewer, so that more histories are played. */
  readonly tables: readonly Key[]
  readonly acts: readonly Act[]
  readonly faults: readonly Fault[]
}

/** After these all that is late is found and built again at the end. */
export const MENDING: ReadonlySet<string> = new Set(['verify sources', 'redo stale', 'rebuild'])

/** When nothing new happens any more, in ms. */
export const HEALED_MS = 180_000

export const BEAT = 'beat or release a lock'

/** Of these few are sent in a history, and everything depends on them. */
export const WRITES = [
  'insert',
  'insert',
  'append to the ledger',
  'append to the ledger',
  'append to the ledger',
  'take a lock',
  'delete',
  'kill statements',
  'drop a lock',
]
export const READS = [
  'running statements',
  'end of a statement',
  'fold of the ledger',
  'tails of the ledger',
  'attempts',
  'locks',
  'rows of a range',
  'digest of a range',
  'last positions',
  'changes of inputs',
  'identities of tables',
  'fingerprint of the sources',
  'kill deletions',
  'keep SQL',
  BEAT,
  'create a target',
  'highest epochs of the ledger',
  'buckets of the sources',
]

/** Sent by a rebuild only. */
const OF_A_REBUILD = [
  'rename a table',
  'exchange tables',
  'tables of a rebuild',
  'drop a table',
  'latest events',
]

/** Sent only when something has failed before: a few times in a history. */
const RARE = new Set([
  'delete',
  'kill statements',
  'kill deletions',
  'running statements',
  'end of a statement',
  'attempts',
  'rows of a range',
  ...OF_A_REBUILD,
])

/** Too many parts, too many queries, cancelled, memory, Keeper, a disk that is full for a while. */
const CODES = [252, 202, 394, 241, 999, 243]

function fault(draw: Draw, isRebuilt: boolean): Fault {
  const ofRun = draw.chance(0.7) ? WRITES : READS
  const statement = draw.of(isRebuilt && draw.chance(0.4) ? OF_A_REBUILD : ofRun)
  const nth = 1 + draw.below(RARE.has(statement) ? 2 : draw.chance(0.5) ? 4 : 16)
  const on = { statement, nth }
  switch (draw.below(10)) {
    case 0:
      return { ...on, fault: 'killed before' }
    case 1:
      return { ...on, fault: 'killed after' }
    case 2:
      return { ...on, fault: 'killed meanwhile' }
    case 3:
      return { ...on, fault: 'unsent' }
    case 4:
      return { ...on, fault: 'lost' }
    case 5:
      return { ...on, fault: 'lost meanwhile' }
    case 6:
      return { ...on, fault: 'late', ms: draw.below(draw.chance(0.5) ? 3_000 : 600_000) }
    case 7:
      // A proxy repeats what it has lost within moments. A question of any kind may be slow.
      return statement === 'insert'
        ? { ...on, fault: 'slow', ms: draw.below(40_000) }
        : { ...on, fault: 'twice', ms: draw.below(3_000) }
    case 8:
      return { ...on, fault: 'refused', code: draw.of(CODES) }
    default:
      return statement === 'insert'
        ? { ...on, fault: 'partly', code: draw.of(CODES) }
        : { ...on, fault: 'slow', ms: draw.below(40_000) }
  }
}

function act(draw: Draw, runners: number, tables: readonly Key[]): Act {
  const at = draw.below(draw.chance(0.5) ? 10_000 : HEALED_MS)
  const runner = draw.below(runners)
  switch (draw.below(15)) {
    case 0:
    case 1:
      return { at, act: 'kill', runner }
    case 2:
      return { at, act: 'stop', runner, ms: draw.below(120_000) }
    case 3:
      return { at, act: 'restart', ms: draw.below(20_000) }
    case 4:
      return { at, act: 'jump', runner, ms: draw.of([-1, 1]) * draw.below(86_400_000) }
    case 5:
    case 6: {
      const from = 1 + draw.below(BLOCKS)
      // Rows of `last` cannot be deleted by range: it is refused there.
      const host = draw.of(['one', 'two'])
      return { at, act: 'redo', host, table: tables[0]!, from, to: Math.min(BLOCKS, from + draw.below(4)) }
    }
    case 7:
      return { at, act: draw.of(['replace', 'truncate']), table: draw.of(tables) }
    case 8:
      return {
        at,
        act: 'rebuild',
        host: draw.of(['one', 'two']),
        table: draw.of(tables),
        dropOld: draw.chance(0.3),
      }
    case 9:
      return { at, act: 'verify sources', host: draw.of(['one', 'two']) }
    case 10:
      return { at, act: 'redo stale', host: draw.of(['one', 'two']) }
    case 11:
      return { at, act: 'status', host: draw.of(['one', 'two']) }
    case 12:
      return { at, act: 'pause', ms: draw.below(30_000) }
    default:
      return { at, act: 'rewrite', block: 1 + draw.below(BLOCKS) }
  }
}

/** The history of a seed: one to four runners, up to six faults, up to three acts. */
export function historyOf(seed: number): History {
  const draw = drawFrom(seed ^ 0x5eed)
  const runners = 1 + draw.below(4)
  const starts = Array.from({ length: runners }, (_, index): Act => ({
    at: index === 0 ? 0 : draw.below(draw.chance(0.5) ? 3_000 : 60_000),
    act: 'up',
    host: draw.of(['one', 'one', 'two']),
    jobs: 1 + draw.below(3),
    chunk: draw.of([2, 3, 3, 6]),
  }))
  const tables = draw.of<readonly Key[]>([
    ['plain'],
    ['plain'],
    ['plain', 'echo'],
    ['plain', 'echo'],
    ['last'],
    ['total'],
    KEYS,
  ])
  const acts = Array.from({ length: draw.below(4) }, () => act(draw, runners, tables))
  const isRebuilt = acts.some(({ act: name }) => name === 'rebuild')
  const faults = Array.from({ length: draw.below(7) }, () => fault(draw, isRebuilt))
  return { seed, tables, acts: [...starts, ...acts].toSorted((one, other) => one.at - other.at), faults }
}
