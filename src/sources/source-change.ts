// Owns the judgement whether what a range was built from has changed since, by its fingerprint and what is there now.

/** Distinct blocks with a row, and the newest `updated_date_time` in seconds since 1970. */
export type SourceFacts = { readonly blocks: number; readonly newest: number }

/** Position of the latest event over a range of an input table. */
export type InputMark = readonly [epoch: number, seq: number]

/** A fingerprint taken apart: by source table, and by the key of an input table. */
export type Fingerprint = {
  readonly sources: ReadonlyMap<string, SourceFacts>
  readonly inputs: ReadonlyMap<string, InputMark>
}

export function readFingerprint(text: string): Fingerprint {
  const sources = [...text.matchAll(/(\S+)=(\d+)@(\d+)/g)]
  const inputs = [...text.matchAll(/(\S+)=\((\d+),(\d+)\)/g)]
  return {
    sources: new Map(
      sources.map(([, name, blocks, newest]) => [name!, { blocks: Number(blocks), newest: Number(newest) }]),
    ),
    inputs: new Map(inputs.map(([, key, epoch, seq]) => [key!, [Number(epoch), Number(seq)]])),
  }
}

export type ChangeQuestion = {
  /** Of the whole range of the event that built the blocks. */
  readonly before: Fingerprint
  /** Now, of that whole range, and of the part of it that later events have left to be seen. */
  readonly whole: ReadonlyMap<string, SourceFacts>
  readonly part: ReadonlyMap<string, SourceFacts>
  /** Now, of the part, by key of the input table; absent where nothing has touched it. */
  readonly inputs: ReadonlyMap<string, InputMark>
}

/**
 * `gone`: rows that were there are not any more (pruned, TTL), so that what is stored could not be computed again; it
 * outweighs everything. `changed`: blocks came, rows were written again, or an input was redone. A count of blocks and a
 * newest time survive merges. Of blocks that came it is not known where they came in the whole range: that counts as
 * changed, which errs on the side of doing a part again.
 */
export function judgeChange({ before, whole, part, inputs }: ChangeQuestion): 'same' | 'changed' | 'gone' {
  const sources = [...before.sources].map(([name, past]) => ({
    past,
    now: whole.get(name) ?? NOTHING,
    here: part.get(name) ?? NOTHING,
  }))
  if (sources.some(({ past, now }) => now.blocks < past.blocks || now.newest < past.newest)) return 'gone'
  if (sources.some(({ past, now, here }) => here.newest > past.newest || now.blocks > past.blocks))
    return 'changed'
  const redone = [...inputs].some(([key, now]) => isLater(now, before.inputs.get(key) ?? [0, 0]))
  return redone ? 'changed' : 'same'
}

const NOTHING: SourceFacts = { blocks: 0, newest: 0 }

export function isLater([epoch, seq]: InputMark, [otherEpoch, otherSeq]: InputMark): boolean {
  return epoch > otherEpoch || (epoch === otherEpoch && seq > otherSeq)
}
