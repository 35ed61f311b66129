// Owns a simulation of tables in memory that read one another, what may happen to them, and a model that remembers for each
// block what it was computed from.
import type * as fc from 'fast-check'
import { advance } from '../../src/ledger/advance.ts'
import { writeForks } from '../../src/ledger/built-from.ts'
import { staleVersions } from '../../src/ledger/staleness.ts'
import type { StaleReason } from '../../src/ledger/stale.ts'
import { type BlockSet, blockSet, intersect, type Range, subtract, union } from '../../src/model/blocks.ts'
import type { Digest } from '../../src/model/digest.ts'
import type { ForkUse } from '../../src/sql-syntax/fork-uses.ts'
import { inputsText } from '../../src/runner/chunk-inputs.ts'
import { blocksAsSet } from '../../src/sources/availability.ts'
import { SimulatedLedger } from './simulated-ledger.ts'
import {
  BLOCKS,
  countingBlocks,
  type InputState,
  type Key,
  KEYS,
  LAST,
  ROWS,
  type someTable,
  Table,
  versionOf,
} from './simulated-table.ts'

export class Simulation {
  readonly ledger = new SimulatedLedger()
  readonly tables: ReadonlyMap<Key, Table>
  fork = 5
  #uuids = 0

  constructor(drawn: readonly (typeof someTable extends fc.Arbitrary<infer T> ? T : never)[]) {
    this.tables = new Map(
      KEYS.map((key, index) => {
        const { perKey, use, reads, limits } = drawn[index]!
        const after = KEYS.filter((_, input) => input < index && reads[input])
        return [key, new Table(key, { perKey, use, after, limits, uuid: this.uuid() })]
      }),
    )
  }

  uuid(): string {
    return `uuid${++this.#uuids}`
  }

  /** Blocks that dependants may read of a table. */
  readable(table: Table): BlockSet {
    const done = blocksAsSet([...table.read.keys()])
    if (table.emptied) return []
    return table.perKey
      ? done.filter(({ from, to }) => from <= table.limits.from && table.limits.from <= to)
      : done
  }

  /** Computes what of the range may run, in one chunk for each run of blocks. */
  run(key: Key, range: Range): void {
    const table = this.tables.get(key)!
    const inputs = table.after.map((input) => this.tables.get(input)!)
    const lacking = blockSet(inputs.flatMap((input) => [...subtract([input.limits], this.readable(input))]))
    const missing = blocksAsSet(BLOCKS.filter((block) => !table.read.has(block)))
    for (const chunk of subtract(intersect(intersect([range], [table.limits]), missing), lacking))
      this.#compute(table, chunk)
  }

  #compute(table: Table, range: Range): void {
    const inputs = table.after.map((key) => {
      const { uuid, perKey, limits, read } = this.tables.get(key)!
      const blocks = union([limits], blocksAsSet([...read.keys()]))
      return { key, uuid, perKey, target: key, rows: null, blocks }
    })
    const before = new Map(
      inputs.map(({ key, uuid }) => {
        const last = this.ledger.events.findLast((event) => event.key === key && event.uuid === uuid)
        return [key, last === undefined ? ([0, 0] as const) : ([last.epoch, last.seq] as const)]
      }),
    )
    const versions = inputsText({ table: {}, inputs, range }, before)
    this.#write(table, 'started', range)
    for (const block of BLOCKS.filter((one) => range.from <= one && one <= range.to))
      table.rows.set(block, this.#rowOf(table, block))
    this.ledger.append({
      digest: this.#digest(table, range),
      key: table.key,
      uuid: table.uuid,
      event: 'done',
      range,
      hash: `sql${table.sql}`,
      forks: table.use === undefined ? '' : writeForks({ fork: this.fork }),
      inputs: versions,
    })
    table.emptied = false
    for (const block of BLOCKS.filter((one) => range.from <= one && one <= range.to)) {
      table.writes.set(block, (table.writes.get(block) ?? 0) + 1)
      const states = inputs.map(({ key, perKey, blocks }) => {
        const isRead = blocks.some(({ from, to }) => (perKey || range.from <= to) && from <= range.to)
        return [key, isRead ? versionOf(this.tables.get(key)!, block) : undefined] as const
      })
      table.read.set(block, { sql: table.sql, fork: this.fork, inputs: new Map(states) })
    }
  }

  /** What the transform yields for a block now: each second version of its SQL yields the same. */
  #rowOf(table: Table, block: number): number {
    const inputs = table.after.flatMap((key) => {
      const input = this.tables.get(key)!
      return countingBlocks(input, block).map((one) => input.rows.get(one) ?? 0)
    })
    const fork = table.use === undefined ? 0 : Number(table.tells(this.fork, block))
    return inputs.reduce((sum, row) => sum + 3 * row, (table.sql % 2) + 2 * fork) % ROWS
  }

  /** The done blocks that are not as they would be computed now, by what their inputs hold within their limits. */
  outdated(key: Key): readonly number[] {
    const table = this.tables.get(key)!
    return [...table.read.keys()].filter((block) => {
      // What an input still holds outside of its limits is stale there, and goes by its redo.
      const isWithin = table.after.every((name) => {
        const input = this.tables.get(name)!
        const { from, to } = input.limits
        return countingBlocks(input, block).every((one) => (from <= one && one <= to) || !input.rows.has(one))
      })
      return isWithin && table.rows.get(block) !== this.#rowOf(table, block)
    })
  }

  /** Of some ranges it is unknown. The hash of a block's row is the row at the block's digit. */
  #digest({ perKey, rows }: Table, { from, to }: Range): Digest | undefined {
    if (perKey || from % 5 === 0) return undefined
    const blocks = BLOCKS.filter((block) => from <= block && block <= to)
    const sum = blocks.reduce((all, block) => all + (rows.get(block) ?? 0) * ROWS ** block, 0)
    return { rows: blocks.length, sum: String(sum), columns: 'c' }
  }

  #write(table: Table, event: 'started' | 'invalidated' | 'cleaned', range: Range): void {
    this.ledger.append({ key: table.key, uuid: table.uuid, event, range, hash: `sql${table.sql}` })
  }

  /** Takes the rows out, and computes again what the table may hold. */
  redo(key: Key, range: Range): void {
    const table = this.tables.get(key)!
    const done = blocksAsSet([...table.read.keys()])
    for (const part of intersect(done, [range])) {
      this.#write(table, 'invalidated', part)
      this.#write(table, 'cleaned', part)
      for (const block of BLOCKS.filter((one) => part.from <= one && one <= part.to)) {
        table.read.delete(block)
        table.rows.delete(block)
        table.writes.set(block, (table.writes.get(block) ?? 0) + 1)
      }
    }
    this.run(key, range)
  }

  replace(key: Key): void {
    const table = this.tables.get(key)!
    table.uuid = this.uuid()
    table.read.clear()
    table.rows.clear()
    table.writes.clear()
    table.emptied = false
  }

  async checkpoint(key: Key): Promise<void> {
    const { uuid, after } = this.tables.get(key)!
    const inputs = after.map((input) => this.tables.get(input)!)
    const { marks, newest } = await advance(this.ledger.reader, [{ key, targetUuid: uuid, inputs }])
    for (const { sqlHash: hash, ...mark } of marks) this.ledger.append({ ...mark, uuid, event: 'done', hash })
    this.ledger.checkpoint(key, uuid, newest)
  }

  /** Why each done block is stale, as the program says. */
  async found(key: Key): Promise<ReadonlyMap<number, readonly StaleReason[]>> {
    const table = this.tables.get(key)!
    const inputs = await Promise.all(
      table.after.map(async (name) => {
        const { perKey, uuid, emptied, limits } = this.tables.get(name)!
        const window = { from: 0, to: LAST }
        const changes = await this.ledger.reader.inputChanges([{ key: name, uuid, since: [0, 0], window }])
        const same = (await this.ledger.reader.sameSince([{ key: name, uuid, window }])).get(name)
        const readable = this.readable(this.tables.get(name)!)
        return [
          name,
          { uuid: emptied ? undefined : uuid, perKey, expected: [limits], readable, changes, same },
        ] as const
      }),
    )
    const forkUses: readonly ForkUse[] = table.use === undefined ? [] : [{ fork: 'fork', use: table.use }]
    const versions = staleVersions(this.ledger.islands(key, table.uuid), {
      sqlHash: `sql${table.sql}`,
      forks: { fork: this.fork },
      forkUses,
      limits: table.limits,
      inputs: new Map(inputs),
    })
    return new Map(
      BLOCKS.flatMap((block) => {
        const of = versions.filter(({ blocks }) => intersect(blocks, [{ from: block, to: block }]).length > 0)
        if (of.length > 1) throw new Error(`block ${block} is stale twice`)
        return of.length === 0 ? [] : [[block, of[0]!.reasons] as const]
      }),
    )
  }

  /** The same by the model: `rows`, only where an input has other rows now; `writes`, also where they were written again. */
  expected(key: Key, by: 'rows' | 'writes'): ReadonlyMap<number, readonly StaleReason[]> {
    const table = this.tables.get(key)!
    return new Map(
      BLOCKS.flatMap((block) => {
        const read = table.read.get(block)
        if (read === undefined) return []
        const reasons: readonly (readonly [StaleReason, boolean])[] = [
          ['sql', read.sql !== table.sql],
          [
            'forks',
            table.use !== undefined && table.tells(read.fork, block) !== table.tells(this.fork, block),
          ],
          ['limits', block < table.limits.from || block > table.limits.to],
          [
            'inputs',
            table.after.some((input) =>
              this.#isOther(this.tables.get(input)!, block, read.inputs.get(input), by),
            ),
          ],
        ]
        const why = reasons.flatMap(([reason, holds]) => (holds ? [reason] : []))
        return why.length === 0 ? [] : [[block, why] as const]
      }),
    )
  }

  #isOther(input: Table, block: number, read: InputState | undefined, by: 'rows' | 'writes'): boolean {
    const counts = (blocks: BlockSet) =>
      BLOCKS.some(
        (one) =>
          (input.perKey ? one <= block : one === block) &&
          intersect(blocks, [{ from: one, to: one }]).length > 0,
      )
    if (read === undefined) return counts([input.limits])
    const now = versionOf(input, block)
    return (
      input.emptied ||
      now.uuid !== read.uuid ||
      now[by] !== read[by] ||
      intersect(subtract([input.limits], this.readable(input)), [{ from: block, to: block }]).length > 0
    )
  }
}
