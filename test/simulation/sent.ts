// Owns a statement as it arrives at the simulated server: its text, its values, its fence. No SQL is understood: a
// statement is known by words that only its owner's text has, and its values are found by the words before them.
import type { Range } from '../../src/model/blocks.ts'
import type { Target, World } from './world.ts'

/** A statement as it arrived, and the values in it. */
export class Sent {
  readonly text: string
  readonly params: Readonly<Record<string, unknown>>
  readonly id: string

  constructor(text: string, params: Readonly<Record<string, unknown>>, id: string) {
    this.text = text
    this.params = params
    this.id = id
  }

  /** The values of the parameters right after these words, wherever they stand. */
  // oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- the caller knows the type of the parameter
  all<T>(words: string): readonly T[] {
    const found: T[] = []
    for (let at = this.text.indexOf(words); at >= 0; at = this.text.indexOf(words, at + 1)) {
      const [, name] = /^\s*\{(\w+):/.exec(this.text.slice(at + words.length, at + words.length + 40)) ?? []
      if (name !== undefined) found.push(this.params[name] as T)
    }
    return found
  }

  // oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- as above
  one<T>(words: string): T {
    const [value] = this.all<T>(words)
    if (value === undefined) throw new Error(`no value after '${words}' in: ${this.text}`)
    return value
  }

  /** The locks that the fence asks for; none if the statement has no fence. */
  get locks(): readonly string[] {
    return [
      ...this.all<string>('throwIf(max(name) != '),
      ...this.all<string[]>('throwIf(countIf(has(').flat(),
    ]
  }
}

/** An error in ClickHouse's own words. */
export class Refusal extends Error {
  readonly code: number
  constructor(code: number, message: string) {
    super(message)
    this.code = code
  }
}

export type Statement = {
  readonly name: string
  /** Words that its text has, and no other. */
  readonly words: readonly string[]
  /** What it does at once, and the rows that it answers with. `now`: in ms. */
  readonly run: (world: World, sent: Sent, now: number) => readonly unknown[]
  /** Rows of a target come or go: it goes on for a while (writes.ts). */
  readonly goesOn?: 'insert' | 'delete'
}

export const nothing = () => []

export const hash = (text: string): string => {
  let sum = 0n
  for (const letter of text) sum = (sum * 1_000_003n + BigInt(letter.codePointAt(0)!)) % 2n ** 63n
  return String(sum)
}

export const within =
  ({ from, to }: Range) =>
  (block: number) =>
    from <= block && block <= to

/** The values of a list of parameters: `words{p0:String}, {p1:String}`. */
export function valuesIn(sent: Sent, words: string): readonly unknown[] {
  const [, list = ''] = /^((?:\{\w+:[^}]*\}[,()\s]*)+)/.exec(sent.text.split(words)[1] ?? '') ?? []
  return [...list.matchAll(/\{(\w+):/g)].map(([, name]) => sent.params[name!])
}

/** Ranges of a condition that touches some: one is two numbers, several are two arrays. `low`, `high`: as the text writes them. */
export function rangesIn(sent: Sent, low: string, high: string): readonly Range[] {
  const [starts] = sent.all<number[]>(`roundDown(toUInt64(${high}), `)
  const [first, last] = [sent.one<number>(`${high} >= `), sent.one<number>(`${low} <= `)]
  if (starts === undefined) return [{ from: first, to: last }]
  const [, name] = /transform\(roundDown\([^)]*\), \{\w+:[^}]*\}\), \{\w+:[^}]*\}, \{(\w+):/.exec(sent.text)!
  const ends = sent.params[name!] as number[]
  return starts.map((from, index) => ({ from, to: ends[index]! }))
}

export const targetNamed = (world: World, name: string): Target => {
  const target = world.targets.get(name)
  if (target === undefined) throw new Refusal(60, `Table tgt.${name} does not exist. (UNKNOWN_TABLE)`)
  return target
}

export const fenceHolds = (world: World, locks: readonly string[]): boolean =>
  locks.every((lock) => world.locksLike(lock).at(-1) === lock)

/** `name`: the table that the statement writes. */
export function assertFence(world: World, sent: Sent, name?: string): void {
  if (!fenceHolds(world, sent.locks))
    throw new Refusal(
      395,
      'backfill: lock lost: while executing function throwIf. (FUNCTION_THROW_IF_VALUE_IS_NON_ZERO)',
    )
  const [uuid] = sent.all<string>('AND uuid = ')
  if (uuid !== undefined && world.targets.get(name!)?.uuid !== uuid)
    throw new Refusal(
      395,
      'backfill: table replaced: while executing function throwIf. (FUNCTION_THROW_IF_VALUE_IS_NON_ZERO)',
    )
}
