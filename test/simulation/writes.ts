// Owns INSERT and DELETE on the simulated server: their rows come and go part by part, while other things happen.
import type { Range } from '../../src/model/blocks.ts'
import type { Fault } from './acts.ts'
import { type Answer, refused, reset, type Settle } from './answers.ts'
import { assertFence, fenceHolds, rangesIn, Refusal, type Sent } from './sent.ts'
import type { Time } from './time.ts'
import type { Mutation, World, Writing } from './world.ts'

/** They take up to so long. */
const WORK_MS = 20_000
const LOG_MS = 7_500

/** Its runner goes on or dies without it: it goes on for long. */
const isLeft = (fault: Fault | undefined) =>
  fault !== undefined && ['killed', 'lost meanwhile', 'stopped'].some((word) => fault.fault.startsWith(word))

type Place = {
  readonly world: World
  readonly time: Time
  readonly power: { readonly restarts: number; isDown(): boolean }
  readonly said: (words: string) => void
}

export function openWrites({ world, time, power, said }: Place) {
  const { draw } = time
  const remove = (writing: Writing) => void world.writing.splice(world.writing.indexOf(writing), 1)
  const log = (id: string, type: string, rows: number) =>
    void world.log.push({ id, type, rows, seenAt: time.now() + draw.below(LOG_MS) })

  /** Two statements that write the same blocks at once: whatever comes of it, it must not be. */
  function assertAlone(what: string, uuid: string, ranges: readonly Range[]): void {
    for (const { id, target, range } of world.writing)
      if (target.uuid === uuid && ranges.some(({ from, to }) => from <= range.to && range.from <= to))
        world.broken.push(`${what} began while ${id} wrote the same blocks`)
  }

  function insert(sent: Sent, fault: Fault | undefined, settle: Settle): void {
    const { params, id } = sent
    const name = String(params['backfill_table'])
    const range = { from: Number(params['from_block']), to: Number(params['to_block']) }
    if (world.writing.some((one) => one.id === id))
      throw new Refusal(
        216,
        `Query with id = ${id} is already running. (QUERY_WITH_SAME_ID_IS_ALREADY_RUNNING)`,
      )
    const target = world.targets.get(name)
    if (target === undefined) throw new Refusal(60, `Table tgt.${name} does not exist. (UNKNOWN_TABLE)`)
    assertFence(world, sent, name)
    assertAlone(`the INSERT ${id}`, target.uuid, [range])
    const rows = world.transform(target.key, range, target)
    const writing: Writing = { id, target, range, lock: sent.locks[0], killed: false }
    world.writing.push(writing)
    said(`  ${name} ${range.from}-${range.to} begins to write (${id.slice(-4)})`)
    const parts = 1 + draw.below(3)
    const length = draw.below(draw.chance(0.2) || isLeft(fault) ? WORK_MS : 200)
    const born = power.restarts
    let written = 0
    const end = (type: string, answer: Answer | Error) => {
      remove(writing)
      log(id, type, written)
      said(`  ${name} ${range.from}-${range.to} has ended: ${type} (${id.slice(-4)})`)
      settle(answer)
    }
    const step = (part: number) => {
      // A restart ends it without a word in the log.
      if (power.restarts !== born) return (remove(writing), settle(reset()))
      if (writing.killed)
        return end('ExceptionWhileProcessing', refused(394, 'Query was cancelled. (QUERY_WAS_CANCELLED)'))
      const share = (at: number) => Math.floor((rows.length * at) / parts)
      const some = rows.slice(share(part - 1), share(part))
      target.rows = [...target.rows, ...some.map((row) => ({ ...row, order: world.order(), writer: id }))]
      written += some.length
      if (part === Math.max(1, parts - 1)) {
        if (fault?.fault === 'partly')
          return end('ExceptionWhileProcessing', refused(fault.code, 'it failed halfway'))
        if (fault?.fault === 'partly, lost') return end('ExceptionWhileProcessing', reset())
      }
      if (part < parts) time.later(length / parts, () => step(part + 1), undefined)
      else end('QueryFinish', { rows: [], written: rows.length })
    }
    time.later(length / parts, () => step(1), undefined)
  }

  function remover(sent: Sent, fault: Fault | undefined, settle: Settle): void {
    const [, name] = /DELETE FROM `tgt`\.`(\w+)`/.exec(sent.text)!
    const target = world.targets.get(name!)
    if (target === undefined) throw new Refusal(60, `Table tgt.${name} does not exist. (UNKNOWN_TABLE)`)
    assertFence(world, sent, name)
    const ranges = rangesIn(sent, 'block_number', 'block_number')
    assertAlone(`a DELETE of ${name}`, target.uuid, ranges)
    const mutation: Mutation = { target, ranges, lock: sent.locks[0], order: world.order(), state: 'waiting' }
    world.mutations.push(mutation)
    const step = () => {
      if (mutation.state === 'killed') return settle(refused(341, 'Mutation was killed. (UNFINISHED)'))
      // One after the other; one that fails is tried again until somebody kills it.
      const before = world.mutations.find(
        (one) =>
          one.target === target &&
          one.order < mutation.order &&
          (one.state === 'waiting' || one.state === 'failed'),
      )
      if (before !== undefined || power.isDown()) return void time.later(500, step, undefined)
      if (mutation.lock !== undefined && !fenceHolds(world, [mutation.lock])) {
        if (mutation.state === 'waiting')
          settle(refused(341, 'backfill: lock lost: the mutation failed. (UNFINISHED)'))
        mutation.state = 'failed'
        return void time.later(1000, step, undefined)
      }
      mutation.state = 'done'
      const hit = ({ block, order }: { readonly block: number; readonly order: number }) =>
        order < mutation.order && ranges.some(({ from, to }) => from <= block && block <= to)
      const left = target.rows.filter((row) => !hit(row))
      if (draw.chance(0.5)) target.masked += target.rows.length - left.length
      target.rows = left
      said(`  ${name} ${ranges.map(({ from, to }) => `${from}-${to}`).join()} is deleted`)
      settle({ rows: [] })
    }
    time.later(draw.below(draw.chance(0.2) || isLeft(fault) ? WORK_MS : 200), step, undefined)
  }

  return { insert, remover }
}
