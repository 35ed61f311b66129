// Owns the decision which done blocks are stale, and why: what they were computed from against what is there now. Pure.
import {
  type BlockSet,
  blockSet,
  countBlocks,
  covers,
  intersect,
  type Range,
  subtract,
  union,
} from '../model/blocks.ts'
import type { ForkUse } from '../sql-syntax/fork-uses.ts'
import { type Forks, type InputChange, readForks, readInputs } from './built-from.ts'
import { type Island, isLater, type Position } from './events.ts'
import type { SameSince } from './unchanged.ts'
import { splitStaleTag, STALE_REASONS, type StaleReason, type StaleVersion } from './stale.ts'

/** What the ranges of a table would be computed from now. */
export type Present = {
  readonly sqlHash: string
  readonly forks: Forks
  readonly forkUses: readonly ForkUse[]
  /** First and last block that the table may hold; an end without a limit is undefined. */
  readonly limits: { readonly from?: number | undefined; readonly to?: number | undefined }
  readonly inputs: ReadonlyMap<string, PresentInput>
}

export type PresentInput = {
  /** Undefined if the table does not exist. */
  readonly uuid: string | undefined
  readonly perKey: boolean
  /** The table itself: only what lies before a block changes it. */
  readonly own?: boolean
  /** Blocks that it should hold, and of these the ones that may be read. */
  readonly expected: BlockSet
  readonly readable: BlockSet
  /** Its events after the earliest position that the table's ranges were computed from. */
  readonly changes: readonly Omit<InputChange, 'key'>[]
  /** Which of these changed nothing; undefined: unknown. */
  readonly same?: SameSince | undefined
}

/** The stale blocks of a table; the versions with the most blocks first, then the oldest. */
export function staleVersions(islands: readonly Island[], present: Present): readonly StaleVersion[] {
  const done = islands.filter(({ state }) => state === 'done')
  const alike = Map.groupBy(done, ({ sqlHash, forks, inputs }) => JSON.stringify([sqlHash, forks, inputs]))
  const parts = [...alike.values()].flatMap((same) => staleParts(same, present))
  const versions = Map.groupBy(parts, ({ sqlHash, reasons }) => JSON.stringify([sqlHash, reasons]))
  return [...versions.values()]
    .map((same) => ({ ...same[0]!, blocks: blockSet(same.flatMap(({ blocks }) => blocks)) }))
    .toSorted(
      (a, b) => countBlocks(b.blocks) - countBlocks(a.blocks) || a.blocks[0]!.from - b.blocks[0]!.from,
    )
}

/** The stale blocks of islands that were computed from the same, by reasons. */
function staleParts(islands: readonly Island[], present: Present): readonly StaleVersion[] {
  const { sqlHash, forks, inputs } = islands[0]!
  const { reason: tag, hash } = splitStaleTag(sqlHash)
  const blocks = blockSet(islands)
  const stale: Readonly<Record<StaleReason, BlockSet>> = {
    sql: hash === present.sqlHash ? [] : blocks,
    forks: intersect(blocks, forkBlocks(forks, present)),
    limits: subtract(blocks, [rangeOf(present.limits)]),
    inputs: intersect(blocks, tag === 'inputs' ? blocks : inputBlocks(inputs, present.inputs)),
    sources: tag === 'sources' ? blocks : [],
    mixed: tag === 'mixed' ? blocks : [],
  }
  let parts: readonly { readonly blocks: BlockSet; readonly reasons: readonly StaleReason[] }[] = [
    { blocks, reasons: [] },
  ]
  for (const reason of STALE_REASONS)
    parts = parts
      .flatMap((part) => [
        { blocks: intersect(part.blocks, stale[reason]), reasons: [...part.reasons, reason] },
        { blocks: subtract(part.blocks, stale[reason]), reasons: part.reasons },
      ])
      .filter((part) => part.blocks.length > 0)
  return parts.filter(({ reasons }) => reasons.length > 0).map((part) => ({ sqlHash, hash, ...part }))
}

export function rangeOf({ from = 0, to = Number.MAX_SAFE_INTEGER }: Present['limits']): Range {
  return { from, to }
}

const EVERY_BLOCK: BlockSet = [{ from: 0, to: Number.MAX_SAFE_INTEGER }]

/** The blocks whose rows another number of a fork can change. A fork that the ledger does not know counts as unchanged. */
function forkBlocks(text: string, { forks, forkUses }: Present): BlockSet {
  const before = readForks(text)
  return blockSet(
    forkUses.flatMap(({ fork, use }) => {
      const [was, is] = [before[fork], forks[fork]]
      if (was === undefined || is === undefined || was === is) return []
      if (use === 'anyhow') return EVERY_BLOCK
      const [low, high] = [Math.min(was, is), Math.max(was, is)]
      return use === 'from' ? [{ from: low, to: high - 1 }] : [{ from: low + 1, to: high }]
    }),
  )
}

/** The blocks that would read other rows of an input now. */
function inputBlocks(text: string, inputs: Present['inputs']): BlockSet {
  const known = readInputs(text)
  // Read under another key, as a `lookup`, or not at all: the same SQL, but nobody watched this input.
  const isNew = [...inputs].some(([key, { own }]) => own !== true && !known.has(key))
  if (known.size > 0 && isNew) return EVERY_BLOCK
  return [...known].reduce<BlockSet>((stale, [key, read]) => {
    const input = inputs.get(key)
    // Another transform reads it no more: that is another SQL. Or it is a `lookup` now: its changes do not count.
    if (input === undefined) return stale
    // What was not expected was not read.
    if (read === undefined) return input.own === true ? stale : union(stale, upwards(input, input.expected))
    if (read.uuid !== input.uuid) return EVERY_BLOCK
    return union(stale, union(changedSince(input, read.position), subtract(input.expected, input.readable)))
  }, [])
}

/** The blocks whose rows depend on changes of an input after a position. */
export function changedSince(
  input: Pick<PresentInput, 'changes' | 'perKey' | 'same' | 'own'>,
  position: Position,
): BlockSet {
  const later = input.changes.filter((change) => isLater(change.position, position))
  if (input.own === true) return behind(later, input.same?.(position) ?? [])
  const blocks = blockSet(later.map(({ range }) => range))
  return upwards(input, subtract(blocks, blocks.length === 0 ? [] : (input.same?.(position) ?? [])))
}

/** What lies behind the first changed range; the range itself has read none of its rows. */
function behind(changes: readonly Pick<InputChange, 'range'>[], same: BlockSet): BlockSet {
  const ends = changes.filter(({ range }) => !covers(same, range)).map(({ range }) => range.to)
  return ends.length === 0 ? [] : [{ from: Math.min(...ends) + 1, to: Number.MAX_SAFE_INTEGER }]
}

/** For an input with one row per key all blocks from the first on. */
function upwards({ perKey }: Pick<PresentInput, 'perKey'>, blocks: BlockSet): BlockSet {
  return perKey && blocks[0] !== undefined ? [{ from: blocks[0].from, to: Number.MAX_SAFE_INTEGER }] : blocks
}
