// Owns the judgement of the ledger and its locks: whether what is read from it is what its events say.
import type { Range } from '../../../model/blocks.ts'
import { type Asked, type Diagnosis, evaluated, listed, verdicts } from './finding.ts'
import { blockSet, type BlockSet, countBlocks, hull, subtract, union } from '../../../model/blocks.ts'
import { formatBlockSet } from '../../../model/blocks.ts'

type Colored = Range & { readonly state: string; readonly sqlHash: string }

/** A table as the ledger has it. */
export type LedgerTable = {
  readonly key: string
  /** `database.table`. */
  readonly target: string
  /** Rows can be deleted by range. */
  readonly perBlock: boolean
  /** What every command reads: the last checkpoint and what lies behind it. */
  readonly islands: readonly Colored[]
  /** All events from the first on. */
  readonly fromScratch: readonly Colored[]
  /** The table is empty, and `done` events say that rows were written. */
  readonly emptied: boolean
  /** Hashes of ranges whose SQL is neither that of the file nor kept. */
  readonly textless: readonly string[]
  /** What builds such ranges by the SQL of the file. */
  readonly renewal: string
}

export type HeldLock = {
  readonly key: string
  readonly host: string
  readonly pid: number
  readonly since: string
  /**
   * `alive`: gave a sign of life while doctor watched; `gone`: a process of this host that has ended; `silent`: gave
   * none; `ended`: it was freed meanwhile.
   */
  readonly sign: 'alive' | 'gone' | 'silent' | 'ended'
}

export type LedgerFacts = {
  readonly database: string
  readonly state: Asked<'absent' | 'old' | 'ready'>
  readonly tables: Asked<readonly LedgerTable[]>
  readonly locks: Asked<readonly HeldLock[]>
}

export function evaluateLedger({ database, state, tables, locks }: LedgerFacts): readonly Diagnosis[] {
  const held = new Set(
    'got' in locks
      ? locks.got.flatMap(({ key, sign }) => (sign === 'alive' || sign === 'ended' ? [key] : []))
      : [],
  )
  return [
    ...evaluated('ledger', database, state, (is) => [evaluateState(database, is)]),
    ...('got' in state && state.got === 'absent'
      ? []
      : [
          ...evaluated('fold', database, tables, (all) => evaluateFolds(database, all, held)),
          ...evaluated('emptied', database, tables, (all) => evaluateEmptied(database, all)),
          ...evaluated('dirty', database, tables, (all) => evaluateDirty(database, all, held)),
          ...evaluated('texts', database, tables, (all) => evaluateSqlVersions(database, all)),
          ...evaluated('locks', database, locks, (all) => evaluateLocks(database, all)),
        ]),
  ]
}

function evaluateState(about: string, state: 'absent' | 'old' | 'ready'): Diagnosis {
  const { ok, warn } = verdicts('ledger', about)
  if (state === 'absent') return ok('there is none yet; `backfill up` creates it')
  return state === 'ready'
    ? ok('there, of this version')
    : warn('made by an older version: some figures and the SQL of old ranges are not kept', 'backfill up')
}

function evaluateFolds(
  about: string,
  tables: readonly LedgerTable[],
  held: ReadonlySet<string>,
): readonly Diagnosis[] {
  const { ok } = verdicts('fold', about)
  const wrong = tables.flatMap((table): readonly Diagnosis[] => {
    const blocks = differing(table.islands, table.fromScratch)
    if (blocks.length === 0) return []
    const { warn, fail } = verdicts('fold', table.key)
    const which = `blocks ${formatBlockSet(blocks)} (${countBlocks(blocks)})`
    if (held.has(table.key))
      return [warn(`${which} are being written; ask again when the run has ended`, 'backfill doctor')]
    const { from, to } = hull(blocks)!
    return [
      fail(
        `the checkpoint and the events before it disagree about ${which}: somebody has changed the ledger`,
        table.perBlock
          ? `backfill redo ${table.key} --from ${from} --to ${to}`
          : `backfill rebuild ${table.key}`,
      ),
    ]
  })
  return wrong.length > 0
    ? wrong
    : [
        ok(
          tables.length === 1
            ? 'the checkpoint of 1 table says what its events say'
            : `the checkpoints of ${tables.length} tables say what their events say`,
        ),
      ]
}

/** Blocks about whose state or SQL the two disagree. */
export function differing(one: readonly Colored[], other: readonly Colored[]): BlockSet {
  const colors = ({ state, sqlHash }: Colored) => `${state} ${sqlHash}`
  const [left, right] = [Map.groupBy(one, colors), Map.groupBy(other, colors)]
  return [...new Set([...left.keys(), ...right.keys()])].reduce<BlockSet>((all, key) => {
    const [a, b] = [blockSet(left.get(key) ?? []), blockSet(right.get(key) ?? [])]
    return union(all, union(subtract(a, b), subtract(b, a)))
  }, [])
}

function evaluateEmptied(about: string, tables: readonly LedgerTable[]): readonly Diagnosis[] {
  const emptied = tables.filter((table) => table.emptied)
  if (emptied.length === 0) return [verdicts('emptied', about).ok('no table was emptied behind its back')]
  return emptied.map(({ key, target }) =>
    verdicts('emptied', key).fail(
      `${target} is empty, but the ledger says that rows were written: was it truncated?`,
      `DROP TABLE ${target}, then backfill up --tables ${key}`,
    ),
  )
}

function evaluateDirty(
  about: string,
  tables: readonly LedgerTable[],
  held: ReadonlySet<string>,
): readonly Diagnosis[] {
  const dirty = tables.flatMap(({ key, islands }) => {
    const blocks = blockSet(islands.filter(({ state }) => ['dirty', 'invalidated'].includes(state)))
    return blocks.length === 0 || held.has(key) ? [] : [{ key, blocks }]
  })
  if (dirty.length === 0) return [verdicts('dirty', about).ok('no range is left half written')]
  return dirty.map(({ key, blocks }) =>
    verdicts('dirty', key).warn(
      `a run ended in the middle of blocks ${formatBlockSet(blocks)}`,
      `backfill up --tables ${key}`,
    ),
  )
}

function evaluateSqlVersions(about: string, tables: readonly LedgerTable[]): readonly Diagnosis[] {
  const without = tables.filter(({ textless }) => textless.length > 0)
  if (without.length === 0) return [verdicts('texts', about).ok('the SQL of every range is kept')]
  return without.map(({ key, textless, renewal }) =>
    verdicts('texts', key).warn(
      `the SQL behind ${listed(textless.map((hash) => hash.slice(0, 8)))} is not kept: diff cannot show it`,
      renewal,
    ),
  )
}

function evaluateLocks(about: string, locks: readonly HeldLock[]): readonly Diagnosis[] {
  if (locks.length === 0) return [verdicts('locks', about).ok('none is held')]
  return locks.map(({ key, host, pid, since, sign }) => {
    const { ok, warn } = verdicts('locks', key)
    const holder = `process ${pid} on ${host} (since ${since})`
    const hint = `backfill unlock --tables ${key}`
    if (sign === 'ended') return ok(`freed by ${holder} while doctor watched`)
    if (sign === 'alive') return ok(`held by ${holder}, which lives`)
    return sign === 'gone'
      ? warn(`left by ${holder}, which is gone; the next run takes it at once`, hint)
      : warn(`held by ${holder}, which gave no sign of life: dead, or away; a run takes it after 20 s`, hint)
  })
}
