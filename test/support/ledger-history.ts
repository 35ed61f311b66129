// Owns random ledger histories, and the oracle that says what they come to.
import * as fc from 'fast-check'
import { randomUUID } from 'node:crypto'
import type { EventName } from '../../src/clickhouse/schema.ts'
import type { Island } from '../../src/ledger/events.ts'
import type { Digest } from '../../src/model/digest.ts'
import type { Range } from '../../src/model/blocks.ts'

/** The highest block there can be: all lie below 2^53. */
export const LAST_BLOCK = Number.MAX_SAFE_INTEGER

export type Event = {
  readonly key: string
  readonly uuid: string
  readonly epoch: number
  readonly seq: number
  readonly event: EventName
  readonly range: Range
  readonly hash: string
  /** What a `done` was computed from. */
  readonly forks?: string
  readonly inputs?: string
  readonly digest?: Digest | undefined
  /** Of a checkpoint. */
  readonly islands?: readonly Island[]
}

const STATES = {
  started: 'dirty',
  failed: 'dirty',
  done: 'done',
  cleaned: undefined,
  invalidated: 'invalidated',
  accepted: 'accepted',
} as const

/**
 * The oracle: every block has the state of the latest event over it, by (epoch, seq), and nothing else counts.
 * It looks at one block of each stretch that no event's end cuts.
 */
export function paint(events: readonly Event[]): Island[] {
  const ordered = events
    .filter(({ event }) => event !== 'checkpoint')
    .toSorted((a, b) => a.epoch - b.epoch || a.seq - b.seq)
  const cuts = [...new Set(ordered.flatMap(({ range }) => [range.from, range.to + 1]))].toSorted(
    (a, b) => a - b,
  )
  const islands: Island[] = []
  for (const [index, from] of cuts.slice(0, -1).entries()) {
    const latest = ordered.findLast(({ range }) => range.from <= from && from <= range.to)
    const state = latest && STATES[latest.event as keyof typeof STATES]
    if (latest === undefined || state === undefined) continue
    const to = cuts[index + 1]! - 1
    const last = islands.at(-1)
    const { forks = '', inputs = '' } = state === 'done' ? latest : {}
    const island = { state, sqlHash: latest.hash, forks, inputs }
    const goesOn =
      last !== undefined &&
      last.to + 1 === from &&
      JSON.stringify({ ...last, ...island }) === JSON.stringify(last)
    if (goesOn) islands[islands.length - 1] = { ...last, to }
    else islands.push({ from, to, ...island })
  }
  return islands
}

/** Few blocks, so that ranges repeat, overlap, touch and nest; at both ends of what a block number can be. */
const someRange = (low: number, blocks: number) =>
  fc
    .tuple(fc.nat(blocks - 1), fc.nat(blocks - 1))
    .map(([a, b]) => ({ from: low + Math.min(a, b), to: low + Math.max(a, b) }))
export const anyRange = fc.oneof(
  { weight: 6, arbitrary: someRange(0, 30) },
  { weight: 2, arbitrary: someRange(LAST_BLOCK - 9, 10) },
  { weight: 1, arbitrary: someRange(2 ** 32 - 5, 10) },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      { from: 0, to: LAST_BLOCK },
      { from: 17, to: LAST_BLOCK - 1 },
      { from: 2 ** 40 + 1, to: 2 ** 52 - 2 },
    ),
  },
)

/** Many tables in one fold: a query costs more than the events. */
const KEYS = ['a', 'b', 'c', 'd', 'e', 'f'] as const

const anyEvent = fc.record({
  key: fc.constantFrom(...KEYS),
  /** Which of the table's targets: the present one, or one that was dropped. */
  target: fc.constantFrom('present', 'present', 'dropped'),
  event: fc.constantFrom(
    'started',
    'done',
    'done',
    'done',
    'failed',
    'cleaned',
    'invalidated',
    'accepted',
    'checkpoint',
  ) as fc.Arbitrary<EventName>,
  range: anyRange,
  hash: fc.constantFrom('old', 'new'),
  forks: fc.constantFrom('', '', 'dencun=500', 'dencun=700'),
  inputs: fc.constantFrom('', '', 'x=-', 'x=u@1.2 y=v@3.4'),
  /** Whether a new epoch begins with it, and how much higher. */
  newEpoch: fc.constantFrom(0, 0, 0, 1, 7),
  /** How often its append was repeated, and when the server got it. */
  copies: fc.constantFrom(1, 1, 1, 2, 3),
  arrival: fc.nat(1000),
})

export const anyHistory = fc.array(anyEvent, { minLength: 1, maxLength: 160, size: 'max' })
type DrawnEvent = typeof anyEvent extends fc.Arbitrary<infer T> ? T : never

/** Numbers the drawn events and lets each checkpoint hold what the oracle makes of those before it. */
export function makeHistory(drawn: readonly DrawnEvent[]) {
  const uuids = { present: randomUUID(), dropped: randomUUID() } as const
  const uuidOf = ({ key, target }: { readonly key: string; readonly target: keyof typeof uuids }) =>
    uuids[target].slice(0, -1) + key
  const history: Event[] = []
  let [epoch, seq] = [1, 0]
  for (const one of drawn) {
    if (one.newEpoch > 0) [epoch, seq] = [epoch + one.newEpoch, 0]
    const { key, event, range, hash, forks, inputs } = one
    const uuid = uuidOf(one)
    const before = history.filter((other) => other.key === key && other.uuid === uuid)
    history.push({
      key,
      uuid,
      epoch,
      seq: ++seq,
      event,
      range,
      hash,
      forks,
      inputs,
      ...(event === 'checkpoint' && { islands: paint(before) }),
    })
  }
  const arrived = drawn
    .flatMap(({ copies, arrival }, index) =>
      Array.from({ length: copies }, (_, copy) => ({
        event: history[index]!,
        at: (arrival * (copy + 1)) % 997,
      })),
    )
    .toSorted((a, b) => a.at - b.at)
    .map(({ event }) => event)
  const present = new Map(KEYS.map((key) => [key, uuidOf({ key, target: 'present' })]))
  const painted = [...present].map(([key, uuid]): [string, Island[]] => [
    key,
    paint(history.filter((one) => one.key === key && one.uuid === uuid)),
  ])
  return { arrived, uuids: present, expected: Object.fromEntries(painted) }
}
