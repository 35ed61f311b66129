// Owns the fingerprint of a range: what its sources and inputs held when it was computed, as the ledger keeps it; and
// what two of them say of the time in between. Deletions are decided by it. Pure.
import { BackfillError } from '../model/errors.ts'
import { isLater, type Position } from '../ledger/events.ts'

/** Distinct blocks with a row, and the newest `updated_date_time` in seconds since 1970; both are 0 without rows. */
export type SourceFacts = { readonly blocks: number; readonly newest: number }

/** By source table, and by the key of an input table: there the position of the latest event that touches the range. */
export type Fingerprint = {
  readonly sources: ReadonlyMap<string, SourceFacts>
  readonly inputs: ReadonlyMap<string, Position>
}

/**
 * As the ledger keeps it: `source=blocks@newest …` by name, then `input=(epoch,seq) …` by key. Equal texts of one range
 * mean that a statement would read the same rows; merges of the source tables change nothing.
 */
export function writeFingerprint({ sources, inputs }: Fingerprint): string {
  return [
    ...parts(sources, ({ blocks, newest }) => `${blocks}@${newest}`),
    ...parts(inputs, ([epoch, seq]) => `(${epoch},${seq})`),
  ].join(' ')
}

function parts<Value>(values: ReadonlyMap<string, Value>, text: (value: Value) => string): readonly string[] {
  return [...values.keys()].toSorted().map((name) => `${name}=${text(values.get(name)!)}`)
}

/**
 * The fingerprint that was written as `text`; of no text, one without sources and inputs.
 * @throws BackfillError `failed` for any other text: a source that was overlooked would count as unchanged
 */
export function readFingerprint(text: string): Fingerprint {
  const sources = new Map<string, SourceFacts>()
  const inputs = new Map<string, Position>()
  for (const part of text.split(' ').filter((word) => word !== '')) {
    const [, name, blocks, newest, epoch, seq] = PART.exec(part) ?? []
    if (name === undefined)
      throw new BackfillError(`cannot read the fingerprint '${text}' in the ledger: '${part}'`, {
        kind: 'failed',
        hint: 'source_fingerprint must read as backfill writes it: source=blocks@seconds, input=(epoch,seq)',
      })
    if (epoch === undefined) sources.set(name, { blocks: Number(blocks), newest: Number(newest) })
    else inputs.set(name, [Number(epoch), Number(seq)])
  }
  return { sources, inputs }
}

const PART = /^([^\s=]+)=(?:(\d+)@(\d+)|\((\d+),(\d+)\))$/

/**
 * Whether source rows that a range was computed from are not there any more, so that what is stored of it could not be
 * computed again and must not be deleted. So it is where a source that is read now has fewer distinct blocks of the
 * range than before, or where its newest row is older than the newest one was: new rows, and merges, only ever raise
 * both. Rows that were pruned while as many others came are seen by neither; nothing cheaper than reading all rows would.
 * A source that is not read any more says nothing: what is computed now does not need it.
 *
 * `hasTimes: false`: `newest` is the version of a file, which has no order, so only blocks count.
 */
export function sourceRowsPruned(
  before: ReadonlyMap<string, SourceFacts>,
  now: ReadonlyMap<string, SourceFacts>,
  { hasTimes }: { readonly hasTimes: boolean },
): boolean {
  return [...now].some(([name, { blocks, newest }]) => {
    const had = before.get(name)
    return had !== undefined && (blocks < had.blocks || (hasTimes && newest < had.newest))
  })
}

export type ChangeQuestion = {
  /** Of the whole range of the event that built the blocks. */
  readonly before: Fingerprint
  /** Now, of each source that is read: in that whole range, and in the part of it that later events leave to be seen. */
  readonly whole: ReadonlyMap<string, SourceFacts>
  readonly part: ReadonlyMap<string, SourceFacts>
  /** Now, of the part, by key of the input table; absent where nothing has touched it. */
  readonly inputs: ReadonlyMap<string, Position>
}

/**
 * `gone`: as `sourceRowsPruned`, which outweighs everything. `changed`: blocks came, rows were written again, or an input
 * was redone. Of blocks that came it is not known where they came in the whole range: that counts as changed, which errs
 * on the side of doing a part again.
 */
export function evaluateChange({ before, whole, part, inputs }: ChangeQuestion): 'same' | 'changed' | 'gone' {
  if (sourceRowsPruned(before.sources, whole, { hasTimes: true })) return 'gone'
  const isNew = [...before.sources].some(
    ([name, had]) =>
      (part.get(name)?.newest ?? 0) > had.newest || (whole.get(name)?.blocks ?? 0) > had.blocks,
  )
  const redone = [...inputs].some(([key, now]) => isLater(now, before.inputs.get(key) ?? [0, 0]))
  return isNew || redone ? 'changed' : 'same'
}
