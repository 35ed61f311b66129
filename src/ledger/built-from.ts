// Owns the texts that say what a range was computed from: the forks that its transform used, and the derived tables
// that it read. Pure.
import type { EventName } from '../clickhouse/schema.ts'
import { type BlockSet, type Range, subtract, union } from '../model/blocks.ts'
import { isLater, type Position } from './events.ts'

/** First block of each fork, by name. */
export type Forks = Readonly<Record<string, number>>

/** `@source=default dencun=500 shanghai=17`, by name; the source database only of a transform that reads it. */
export function writeForks(forks: Forks, source?: string): string {
  const read = source === undefined ? [] : [[SOURCE, encodeURIComponent(source)] as const]
  return writeWords([...read, ...Object.entries(forks)])
}

/** No fork is called so. */
const SOURCE = '@source'

/** `name=text …`, by name. */
export function writeWords(words: Iterable<readonly [name: string, text: string | number]>): string {
  const byName = [...words].toSorted(([one], [other]) => (one < other ? -1 : 1))
  return byName.map((word) => word.join('=')).join(' ')
}

/** Forks of a text; empty if the ledger does not know them. */
export function readForks(text: string): Forks {
  const words = wordsOf(text).map((word) => word.split('='))
  return Object.fromEntries(
    words.flatMap(([name, first]) => (name === SOURCE ? [] : [[name, Number(first)]])),
  )
}

/** Undefined if the ledger does not know it, or if none was read. */
export function readSourceDatabase(text: string): string | undefined {
  const word = wordsOf(text).find((one) => one.startsWith(`${SOURCE}=`))
  return word && decodeURIComponent(word.slice(SOURCE.length + 1))
}

/** The version of a derived table: its UUID and its last event before it was read. */
export type InputVersion = { readonly uuid: string; readonly position: Position }

/** By table key; `undefined`: the input holds none of the range's blocks, so none of its rows was read. */
export type InputVersions = ReadonlyMap<string, InputVersion | undefined>

/** `gas=<uuid>@<epoch>.<seq> other=-`, by key. The text of a range without inputs is empty. */
export function writeInputs(inputs: InputVersions): string {
  return writeWords(
    [...inputs].map(([key, read]) => [
      key,
      read === undefined ? '-' : `${read.uuid}@${read.position.join('.')}`,
    ]),
  )
}

/** A version without its position. */
export function versionName(key: string, uuid: string): string {
  return `${key}=${uuid}`
}

/** The inputs of a text; empty if the ledger does not know them. */
export function readInputs(text: string): InputVersions {
  return new Map(
    wordsOf(text).map((word) => {
      const [, key, uuid, epoch, seq] = INPUT.exec(word) ?? []
      const version =
        uuid === undefined ? undefined : { uuid, position: [Number(epoch), Number(seq)] as const }
      return [key ?? word, version]
    }),
  )
}

const INPUT = /^([^=]+)=(?:-|([^@]+)@(\d+)\.(\d+))$/

export function wordsOf(text: string): readonly string[] {
  return text.split(' ').filter((word) => word !== '')
}

export type InputTable = {
  readonly key: string
  readonly uuid: string
  /** Its rows depend on all blocks up to theirs, so a change counts for all later blocks. */
  readonly perKey: boolean
  /** The table's own rows of the blocks before. */
  readonly own?: boolean
}

/** The blocks of an input whose events change what a range is computed from. */
export function windowOf({ perKey, own }: Pick<InputTable, 'perKey' | 'own'>, { from, to }: Range): Range {
  return { from: perKey ? 0 : from, to: own === true ? from - 1 : to }
}

/** An event of an input that may have changed its rows. */
export type InputChange = { readonly key: string; readonly range: Range; readonly position: Position }

export type InputEvent = InputChange & { readonly event: EventName }

/** The blocks that the events have taken out of a table, and not given back. */
export function takenOut(changes: readonly InputEvent[]): BlockSet {
  return changes
    .toSorted((one, other) => (isLater(one.position, other.position) ? 1 : -1))
    .reduce<BlockSet>(
      (taken, { range, event }) =>
        (event === 'done' || event === 'accepted' ? subtract : union)(taken, [range]),
      [],
    )
}

/**
 * The versions of inputs, as they are called today, that ranges were computed from: what has to be known of each is what
 * happened in `window` after `since`, the earliest of them.
 */
export function versionsRead(
  ranges: readonly { readonly to: number; readonly inputs: string }[],
  uuidOf: (key: string) => string | undefined,
) {
  const read = ranges.flatMap(({ to, inputs }) =>
    [...readInputs(inputs)].flatMap(([key, version]) =>
      version !== undefined && version.uuid === uuidOf(key) ? [{ key, to, ...version }] : [],
    ),
  )
  return [...Map.groupBy(read, ({ key }) => key)].map(([key, same]) => {
    const positions = same.map(({ position }) => position)
    return {
      key,
      uuid: same[0]!.uuid,
      positions,
      since: positions.reduce((one, other) => (isLater(one, other) ? other : one)),
      window: { from: 0, to: Math.max(...same.map(({ to }) => to)) },
    }
  })
}
