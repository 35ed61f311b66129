// Owns the small world that the simulated server holds: ledger, locks, targets as sets of rows, running statements,
// waiting mutations, the query log. What it knows about ClickHouse stands in facts.ts, with a test on the real engine.
import type { Range } from '../../src/model/blocks.ts'
import type { EventName } from '../../src/clickhouse/schema.ts'
import { comparePositions, type Layer, renewed } from './fold.ts'

export const BLOCKS = 6
export const KEYS = ['plain', 'echo', 'last', 'total'] as const
export type Key = (typeof KEYS)[number]

/** One row of a target. `order`: when it came; of rows with one key the engine keeps the newest version, then the last. */
export type Row = {
  readonly key: number
  readonly block: number
  readonly value: number
  readonly order: number
  readonly writer: string
}

/** `masked`: rows that a DELETE took, as long as no merge has: `total_rows` counts them. `key`: whose transform fills it. */
export type Target = {
  name: string
  readonly key: Key
  readonly uuid: string
  rows: readonly Row[]
  masked: number
}

/** A rebuild's tables begin with the name of the one that they replace. */
export const keyOf = (name: string): Key => name.split('__')[0] as Key

export type LedgerRow = {
  readonly table_key: string
  readonly epoch: number
  readonly seq: number
  readonly event: EventName
  readonly range_from: number
  readonly range_to: number
  readonly target_uuid: string
  readonly sql_hash: string
  readonly source_fingerprint: string
  readonly forks: string
  readonly inputs: string
  readonly digest_rows: number | null
  readonly digest_sum: string | null
  readonly digest_columns: string
  readonly run_id: string
  readonly query_id: string
  readonly rows_expected: number
  readonly rows_written: number
  readonly elapsed_ms: number
  readonly peak_memory: number
  readonly error: string
  readonly forced: boolean
  readonly islands: readonly IslandRow[]
}

type IslandRow = readonly [
  from: number,
  to: number,
  state: string,
  hash: string,
  forks: string,
  inputs: string,
]

/** An INSERT that goes on: its rows come part by part. */
export type Writing = {
  readonly id: string
  readonly target: Target
  readonly range: Range
  readonly lock: string | undefined
  /** Ends it before its next part. */
  killed: boolean
}

/** A DELETE that waits for its turn; the fence is looked at again then. */
export type Mutation = {
  readonly target: Target
  readonly ranges: readonly Range[]
  readonly lock: string | undefined
  /** It touches only rows that came before. */
  readonly order: number
  state: 'waiting' | 'failed' | 'killed' | 'done'
}

export type Logged = {
  readonly id: string
  readonly type: string
  readonly rows: number
  readonly seenAt: number
}

const STRAY = 'somebody '

/** When the rows of the source were first written, in seconds. */
const BEGIN = 1_767_225_600

export class World {
  readonly ledger: LedgerRow[] = []
  readonly locks = new Map<string, string>()
  readonly targets = new Map<string, Target>()
  /** UUIDs of tables that another has taken the place of. */
  readonly replaced = new Set<string>()
  /** UUIDs of tables that were adopted although rows differ, where sources or inputs have changed since, too. */
  readonly explained = new Set<string>()
  readonly writing: Writing[] = []
  readonly mutations: Mutation[] = []
  readonly log: Logged[] = []
  readonly versions: { readonly table_key: string; readonly sql_hash: string; readonly raw_hash: string }[] =
    []
  readonly holds: { action: 'pause'; table: string; until: number }[] = []
  /** Block -> its value and when it was written, in seconds. */
  source = new Map<number, { readonly value: number; readonly written: number }>()
  /** Every value that a block of the source ever had. */
  readonly history = new Map<number, number[]>()
  hasLedger = false
  hasLog = true
  /** What must never happen, and did. */
  readonly broken: string[] = []
  #order = 0
  #written = BEGIN
  #uuids = 0

  constructor() {
    for (let block = 1; block <= BLOCKS; block++) this.write(block)
  }

  /** Writes a row of the source again, a second later than any before. */
  write(block: number): void {
    const before = this.history.get(block) ?? []
    const value = block * 100 + before.length
    this.source.set(block, { value, written: before.length === 0 ? BEGIN : (this.#written += 1) })
    this.history.set(block, [...before, value])
  }

  order(): number {
    return ++this.#order
  }

  /** Somebody else puts a row there, which no transform would make. */
  stray(target: Target, block: number): void {
    const writer = `${STRAY}${this.ledger.length}`
    target.rows = [...target.rows, { key: 1_000 + block, block, value: 7, order: this.order(), writer }]
  }

  /** Whether somebody else has put it there, and nobody has asked to have it away since. */
  isStray(target: Target, { block, writer }: Row): boolean {
    if (!writer.startsWith(STRAY)) return false
    return !this.ledger
      .slice(Number(writer.slice(STRAY.length)))
      .some(
        (row) =>
          row.event === 'invalidated' &&
          row.target_uuid === target.uuid &&
          row.range_from <= block &&
          block <= row.range_to,
      )
  }

  create(name: string): void {
    if (this.targets.has(name)) return
    // A rebuild tells tables by the first eight digits.
    const uuid = `${String(++this.#uuids).padStart(8, '1')}-0000-4000-8000-000000000000`
    this.targets.set(name, { name, key: keyOf(name), uuid, rows: [], masked: 0 })
  }

  /** Of the same table, the highest last. */
  locksLike(lock: string): readonly string[] {
    const prefix = lock.slice(0, -20)
    return [...this.locks.keys()]
      .filter((name) => name.startsWith(prefix) && name.length === lock.length)
      .toSorted()
  }

  /** A transform is a function of positions, and of what stands there now. `own`: the table that it fills. */
  transform(key: Key, { from, to }: Range, own?: Target): readonly Omit<Row, 'order' | 'writer'>[] {
    const within = ({ block }: { readonly block: number }) => from <= block && block <= to
    const source = [...this.source].map(([block, { value }]) => ({ block, value })).filter(within)
    if (key === 'plain') return source.map((row) => ({ ...row, key: row.block }))
    if (key === 'total') {
      let sum = own === undefined ? 0 : (this.shown(own).find(({ block }) => block === from - 1)?.value ?? 0)
      const blocks = source.toSorted((one, other) => one.block - other.block)
      return blocks.map(({ block, value }) => ({ block, value: (sum += value), key: block }))
    }
    if (key === 'echo')
      return (this.targets.get('plain')?.rows ?? [])
        .filter(within)
        .map(({ block, value }) => ({ block, value: value + 1, key: block }))
    const last = Map.groupBy(source, ({ block }) => block % 3)
    return [...last].map(([of, rows]) => ({ ...rows.toSorted((a, b) => a.block - b.block).at(-1)!, key: of }))
  }

  /** The rows as FINAL shows them; without it where the engine replaces none. */
  shown({ key, rows }: Target): readonly Row[] {
    if (key === 'plain') return rows
    const version = ({ block }: Row) => (key === 'last' ? block : 0)
    return [...Map.groupBy(rows, (row) => row.key).values()].map((same) =>
      same.reduce((best, row) =>
        version(row) > version(best) || (version(row) === version(best) && row.order > best.order)
          ? row
          : best,
      ),
    )
  }

  /** The events of a table's present UUID that a fold reads, from the last checkpoint on, as ranges with a state. */
  layers(key: string, uuid: string, newest = new Map<string, string>()): readonly Layer[] {
    return this.tail(key, uuid).flatMap((row): Layer[] => {
      const at = [row.epoch, row.seq] as const
      if (row.event !== 'checkpoint') {
        const state = row.event === 'started' || row.event === 'failed' ? 'dirty' : row.event
        const [forks, inputs] = row.event === 'done' ? [row.forks, row.inputs] : ['', '']
        return [
          {
            at,
            from: row.range_from,
            to: row.range_to,
            state,
            hash: row.sql_hash,
            forks,
            inputs: renewed(inputs, newest),
          },
        ]
      }
      return row.islands.map(([from, to, state, hash, forks, inputs]) => ({
        at,
        from,
        to,
        state,
        hash,
        forks,
        inputs: renewed(inputs, newest),
      }))
    })
  }

  tail(key: string, uuid: string): readonly LedgerRow[] {
    const rows = this.ledger.filter((row) => row.table_key === key && row.target_uuid === uuid)
    const since = rows
      .filter(({ event }) => event === 'checkpoint')
      .reduce<LedgerRow | undefined>(later, undefined)
    return since === undefined ? rows : rows.filter((row) => comparePositions(row, since) >= 0)
  }
}

function later(one: LedgerRow | undefined, other: LedgerRow): LedgerRow {
  return one !== undefined && comparePositions(one, other) > 0 ? one : other
}
