// Owns the narrow histories: a few acts that get in each other's way within moments, and the statements on which they then depend.
import { type Act, BEAT, type Fault, OF_AN_ADOPTION } from './acts.ts'
import type { Key } from './world.ts'

export type Name = Act['act']

export const FAULTS = [
  'killed before',
  'killed after',
  'killed meanwhile',
  'killed late',
  'unsent',
  'lost',
  'lost meanwhile',
  'late',
  'twice',
  'slow',
  'old',
  'stopped',
  'refused',
  'partly',
  'partly, lost',
] as const

export type Focus = {
  readonly tables?: readonly Key[]
  /** The first run builds only this one. */
  readonly first?: Key
  /** The acts begin when the first run has mostly ended. */
  readonly afterFirst?: true
  /** In half of them there is no run before. */
  readonly mayBeFirst?: true
  /** One after the other, within moments or half a minute. */
  readonly acts: readonly Name[]
  /** Behind them one of these. */
  readonly last?: readonly Name[]
  readonly statements: readonly string[]
  /** Whose n-th statement; one of the first three if it is absent. */
  readonly nth?: readonly number[]
  readonly faults: readonly Fault['fault'][]
}

const OF_ADOPTIONS = [
  'killed before',
  'killed after',
  'killed meanwhile',
  'killed late',
  'lost',
  'late',
  'slow',
  'old',
  'stopped',
] as const

export const FOCUSES: readonly Focus[] = [
  // An INSERT of which nobody knows how it ended.
  {
    acts: [],
    statements: ['insert'],
    faults: ['late', 'killed late', 'lost meanwhile', 'partly', 'partly, lost', 'slow'],
  },
  // A run that sleeps or dies behind a write, another that takes over, and dies as well.
  {
    acts: ['up', 'up'],
    statements: ['insert', 'delete', 'digest of a range', 'append to the ledger'],
    faults: ['stopped', 'killed late', 'killed after', 'killed before'],
  },
  {
    acts: ['redo'],
    statements: ['delete', 'delete', 'append to the ledger', 'insert', 'take a lock'],
    faults: ['twice', 'twice', 'late', 'lost', 'killed late', 'killed after', 'stopped', 'partly'],
  },
  { acts: ['up'], statements: ['take a lock', 'locks', BEAT], faults: FAULTS },
  // A lock whose answer comes late, while another run waits whether its holder lives.
  { acts: ['up'], nth: [1], statements: ['take a lock', 'insert'], faults: ['old', 'old', 'old', 'slow'] },
  {
    acts: ['rebuild', 'rebuild'],
    statements: ['rename a table', 'exchange tables', 'exchange tables', 'drop a table', 'latest events'],
    faults: FAULTS,
  },
  // An EXCHANGE that comes after its rebuild has looked for it.
  {
    afterFirst: true,
    acts: ['rebuild'],
    last: ['rebuild', 'status'],
    nth: [1, 2],
    statements: ['exchange tables', 'rename a table'],
    faults: ['late', 'late', 'slow', 'slow', 'killed after'],
  },
  // A rebuild that sleeps while it compares, and somebody who works on the old table meanwhile.
  {
    tables: ['plain'],
    afterFirst: true,
    acts: ['rebuild', 'redo'],
    statements: ['comparison of a range', 'comparison of a range', 'delete'],
    faults: ['stopped', 'stopped', 'slow'],
  },
  // An input that is built again while a table is computed from it, or before that by a run that knows its blocks already.
  {
    tables: ['plain', 'echo'],
    first: 'plain',
    afterFirst: true,
    acts: ['rewrite', 'verify sources', 'up', 'redo stale', 'up'],
    // The first is that of the first run.
    nth: [2, 3, 4],
    statements: ['insert', 'insert', 'insert', 'delete', 'last positions', 'take a lock', 'take a lock'],
    faults: ['slow', 'slow', 'old', 'stopped', 'lost meanwhile'],
  },
  // A table of which the ledger knows nothing is adopted, and somebody works on it, or on what it was computed from, meanwhile.
  {
    acts: ['restore', 'adopt'],
    mayBeFirst: true,
    last: ['up', 'up', 'adopt', 'redo', 'rewrite', 'rewrite', 'restore', 'rebuild'],
    statements: [...OF_AN_ADOPTION, 'append to the ledger', 'append to the ledger', 'insert', 'delete'],
    faults: OF_ADOPTIONS,
  },
  // A source row that is written again while an adoption compares.
  {
    tables: ['plain'],
    mayBeFirst: true,
    acts: ['restore', 'adopt', 'rewrite'],
    nth: [2, 3],
    statements: ['comparison of a range'],
    faults: ['old', 'stopped'],
  },
  // What a dead run has sent comes when the table is another one.
  {
    afterFirst: true,
    acts: ['redo', 'restore', 'adopt'],
    nth: [1, 2],
    statements: ['delete', 'insert'],
    faults: ['killed late', 'killed late', 'killed after', 'stopped'],
  },
  {
    acts: ['back up', 'rewrite', 'redo', 'restore', 'adopt'],
    statements: [...OF_AN_ADOPTION, 'insert', 'delete'],
    faults: OF_ADOPTIONS,
  },
]
