// Owns what may happen in a history: acts at a time, faults of the n-th statement of a name.
import type { Key } from './world.ts'

type Kind<Name extends string> = {
  readonly fault: Name
  /** Whose n-th. */
  readonly statement: string
  readonly nth: number
}

export type Fault =
  | Kind<'killed before' | 'killed after' | 'killed meanwhile' | 'unsent' | 'lost' | 'lost meanwhile'>
  | (Kind<'late' | 'twice' | 'slow' | 'old' | 'stopped' | 'killed late'> & { readonly ms: number })
  | (Kind<'refused' | 'partly' | 'partly, lost'> & { readonly code: number })

/** `runner`: the n-th that was started. */
export type Act = { readonly at: number } & (
  | {
      readonly act: 'up'
      readonly host: string
      readonly jobs: number
      readonly chunk: number
      /** Of all tables, if it is absent. */
      readonly only?: Key
    }
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
      /** Somebody has put a row into its first block. */
      readonly stray?: boolean
    }
  | { readonly act: 'rebuild'; readonly host: string; readonly table: Key; readonly dropOld: boolean }
  | { readonly act: 'verify sources' | 'redo stale' | 'status'; readonly host: string }
  | { readonly act: 'replace' | 'truncate' | 'back up'; readonly table: Key }
  | {
      readonly act: 'restore'
      readonly table: Key
      readonly by: 'backup' | 'script'
      /** What is wrong with the row of the block. */
      readonly spoilt?: 'wrong' | 'lacking' | 'twice'
      readonly block: number
    }
  /** `known`: with `--from-uuid`, of the earlier table. */
  | { readonly act: 'adopt'; readonly host: string; readonly table: Key; readonly known: boolean }
  | { readonly act: 'pause'; readonly ms: number }
)

export type History = {
  readonly seed: number
  /** The tables that its runs choose; fewer, so that more histories are played. */
  readonly tables: readonly Key[]
  /** There are a ledger and the tables, empty, from the start. */
  readonly isCreated?: boolean
  readonly acts: readonly Act[]
  readonly faults: readonly Fault[]
}

/** After these all that is late is found and built again at the end. */
export const MENDING: ReadonlySet<string> = new Set([
  'verify sources',
  'redo stale',
  'rebuild',
  'restore',
  'adopt',
])

/** What other runs and people do, of which no run fails. */
export const QUIET: ReadonlySet<Act['act']> = new Set([
  'up',
  'status',
  'verify sources',
  'pause',
  'rewrite',
  'kill',
  'stop',
  'jump',
])

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
export const OF_A_REBUILD = [
  'rename a table',
  'exchange tables',
  'tables of a rebuild',
  'drop a table',
  'latest events',
]

/** Sent by an adoption only. */
export const OF_AN_ADOPTION = [
  'take over events',
  'digests of stored ranges',
  'comparison of a range',
  'last positions',
  'fingerprint of the sources',
  'append to the ledger',
  'take a lock',
]

/** Sent only when something has failed before: a few times in a history. */
export const RARE = new Set([
  'delete',
  'kill statements',
  'kill deletions',
  'running statements',
  'end of a statement',
  'attempts',
  'rows of a range',
  ...OF_A_REBUILD,
])
