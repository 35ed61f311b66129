// Owns the promises of src/commands/redo/blocks.ts and stale-versions.ts: which blocks are stale, and which go.
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { countBlocks, covers, intersect, type Range, subtract } from '../../../src/model/blocks.ts'
import { redoBlocks, type RedoRequest, type RedoTable } from '../../../src/commands/redo/blocks.ts'
import { withStaleTag, staleBlocks } from '../../../src/ledger/stale.ts'
import { staleVersions } from '../../../src/ledger/staleness.ts'
import type { Island } from '../../../src/ledger/events.ts'

const NOW = 'now'
const [FIRST, LAST] = [1, 60]
const versionsOf = (colored: readonly Island[]) =>
  staleVersions(colored, { sqlHash: NOW, forks: {}, forkUses: [], limits: {}, inputs: new Map() })

/** Islands of ten blocks each, with gaps between them, so that they never touch. */
const islands = fc
  .array(
    fc.record({
      state: fc.constantFrom('done', 'done', 'dirty', 'invalidated', 'accepted', 'none'),
      sqlHash: fc.constantFrom(
        NOW,
        'old',
        'older',
        withStaleTag('sources', NOW),
        withStaleTag('mixed', 'old'),
      ),
    }),
    { minLength: 5, maxLength: 5 },
  )
  .map((states) =>
    states.flatMap(({ state, sqlHash }, index): Island[] =>
      state === 'none'
        ? []
        : [{ state, sqlHash, forks: '', inputs: '', from: index * 12 + 1, to: index * 12 + 10 }],
    ),
  )
const table = (key: string, after: readonly string[]) =>
  fc.tuple(islands, fc.boolean()).map(([colored, taken]): RedoTable => {
    const covered = colored.filter(({ state }) => state === 'done' || state === 'accepted')
    return {
      key,
      after,
      history: [],
      islands: colored,
      stale: staleBlocks(versionsOf(colored)),
      missing: subtract([{ from: FIRST, to: LAST }], covered),
      cleaned: taken ? [{ from: 3, to: 40 }] : [],
    }
  })
const request = fc.oneof(
  fc.constant<RedoRequest>({ kind: 'stale' }),
  fc
    .tuple(fc.integer({ min: FIRST, max: LAST }), fc.nat(30))
    .map(([from, more]): RedoRequest => ({ kind: 'range', range: { from, to: from + more } })),
)

test('only what was asked for goes, accepted blocks never, and dependants lose exactly what they have done over it', () => {
  fc.assert(
    fc.property(table('a', []), table('b', ['a']), table('c', ['b', 'x']), request, (a, b, c, asked) => {
      const [own, first, second] = redoBlocks(a, asked, [b, c])
      expect(intersect(own!.redo, inState(a, 'accepted'))).toEqual([])
      expect(subtract(own!.redo, inState(a, 'done', 'dirty', 'invalidated'))).toEqual([])
      if (asked.kind === 'range') {
        expect(subtract(own!.redo, [asked.range])).toEqual([])
        expect(subtract(own!.also, [asked.range])).toEqual([])
        // Every block of the range that is expected, and not accepted, is there when it has ended.
        const left = subtract(
          subtract(intersect([asked.range], [{ from: FIRST, to: LAST }]), inState(a, 'accepted')),
          own!.redo,
        )
        expect(subtract(left, own!.also)).toEqual([])
      }
      if (asked.kind === 'stale') expect(own!.redo).toEqual(a.stale)
      // A killed redo is finished by any other.
      if (asked.kind !== 'range')
        expect(subtract(subtract(intersect(a.cleaned, a.missing), own!.redo), own!.also)).toEqual([])
      expect(first!.redo).toEqual(intersect(inState(b, 'done'), own!.redo))
      expect(second!.redo).toEqual(intersect(inState(c, 'done'), first!.redo))
      for (const { redo, also } of [own!, first!, second!]) expect(intersect(redo, also)).toEqual([])
    }),
    { numRuns: 1_000 },
  )
})

type Fate = 'redo' | 'also' | undefined

/** What the rule says of one block of the table that was named. */
function ofNamed(named: RedoTable, asked: RedoRequest, block: number): Fate {
  const spoilt = isIn(block, inState(named, 'dirty', 'invalidated'))
  if (asked.kind === 'range') {
    if (!isIn(block, [asked.range])) return undefined
    if (spoilt || isIn(block, inState(named, 'done'))) return 'redo'
    return isIn(block, named.missing) ? 'also' : undefined
  }
  if (asked.kind === 'stale' ? isIn(block, named.stale) : spoilt) return 'redo'
  return isLeft(block, named) ? 'also' : undefined
}

/** What it says of one block of a table that reads others, of which it is known what becomes of the block. */
function ofDependant(dependant: RedoTable, inputs: readonly Fate[], block: number): Fate {
  if (inputs.includes('redo') && isIn(block, inState(dependant, 'done'))) return 'redo'
  return isLeft(block, dependant) && inputs.some((one) => one !== undefined) ? 'also' : undefined
}

/** Whether an earlier redo, or a dead run, has not got to the block. */
function isLeft(block: number, one: RedoTable): boolean {
  return (
    isIn(block, one.missing) &&
    (isIn(block, one.cleaned) || isIn(block, inState(one, 'dirty', 'invalidated')))
  )
}

function isIn(block: number, ranges: readonly Range[]): boolean {
  return ranges.some(({ from, to }) => from <= block && block <= to)
}

test('what goes and what is built along is decided for each block by itself, dirty and invalidated ones included', () => {
  const tables = [table('a', []), table('b', ['a']), table('c', ['b', 'x']), table('d', ['a', 'c'])] as const
  fc.assert(
    fc.property(...tables, request, (a, b, c, d, asked) => {
      const found = redoBlocks(a, asked, [b, c, d])
      for (let block = FIRST; block <= LAST; block++) {
        const first = ofNamed(a, asked, block)
        const second = ofDependant(b, [first], block)
        const third = ofDependant(c, [second], block)
        const expected = [first, second, third, ofDependant(d, [first, third], block)]
        expect(
          found.map(({ redo, also }): Fate => {
            if (isIn(block, redo)) return 'redo'
            return isIn(block, also) ? 'also' : undefined
          }),
        ).toEqual(expected)
      }
    }),
    { numRuns: 300 },
  )
})

const done = (from: number, to: number) => [{ from, to, state: 'done' as const }]

test('what reads its own rows, or all rows before, is built again from the first changed block on', () => {
  const nothing = { stale: [], missing: [], cleaned: [] }
  const sums = { key: 'sums', after: [], history: ['sums'], ...nothing, islands: done(1, 60) }
  const sofar = { key: 'sofar', after: ['sums'], history: ['sums'], ...nothing, islands: done(1, 40) }
  const same = { key: 'same', after: ['sums'], history: [], ...nothing, islands: done(1, 40) }
  const stale = { ...sums, stale: [{ from: 10, to: 19 }] }
  const found = redoBlocks(stale, { kind: 'stale' }, [sofar, same])
  expect(found.map(({ redo }) => redo)).toEqual([
    [{ from: 10, to: 60 }],
    [{ from: 10, to: 40 }],
    [{ from: 10, to: 40 }],
  ])
  // What was asked for by its ends stays so; what follows is stale then.
  const asked = redoBlocks(sums, { kind: 'range', range: { from: 10, to: 19 } }, [sofar, same])
  expect(asked.map(({ redo }) => redo)).toEqual([
    [{ from: 10, to: 19 }],
    [{ from: 10, to: 40 }],
    [{ from: 10, to: 19 }],
  ])
})

test('stale blocks are the done ones with another word for the SQL; what has the most comes first', () => {
  fc.assert(
    fc.property(islands, (colored) => {
      const versions = versionsOf(colored)
      expect(staleBlocks(versions)).toEqual(
        colored.filter(({ state, sqlHash }) => state === 'done' && sqlHash !== NOW).map(range),
      )
      const order = versions.map(({ blocks }) => [-countBlocks(blocks), blocks[0]!.from] as const)
      expect(order).toEqual(order.toSorted(([a, b], [c, d]) => a - c || b - d))
      for (const { reasons, hash, blocks } of versions) {
        expect(reasons.includes('sql')).toBe(hash !== NOW)
        expect(reasons.length).toBeGreaterThan(0)
        expect(blocks.every((one) => covers(staleBlocks(versions), one))).toBe(true)
      }
    }),
  )
})

function range({ from, to }: { readonly from: number; readonly to: number }) {
  return { from, to }
}

function inState({ islands: colored }: RedoTable, ...states: string[]) {
  return colored.filter(({ state }) => states.includes(state))
}
