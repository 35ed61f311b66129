// Owns the promise that `status --at` calls no block done whose rows the table has lost.
import { expect, test } from 'vitest'
import { blockIn } from '../../../src/commands/status/at-block.ts'
import type { AbsenceState } from '../../../src/planning/absence.ts'
import { table } from '../../support/status-report.ts'

const found = (state?: AbsenceState, differences: Parameters<typeof table>[0] = {}) =>
  blockIn(table({ ...differences, absences: state === undefined ? [] : [{ state, text: 'the way out' }] }), {
    block: 50_000,
    built: null,
    lacking: [],
  })

test('a block of a table that was emptied, has lost rows or unknown ones is not called done or missing without a word', () => {
  expect(found()).toMatchObject({ state: 'done', text: 'as recorded in a checkpoint' })
  expect(found('emptied')).toMatchObject({ state: 'emptied', text: 'the way out' })
  expect(found('emptied in part')).toMatchObject({
    state: 'done',
    text: 'as recorded in a checkpoint; but the way out',
  })
  const missing = { covered: [], missing: [{ from: 46_147, to: 60_000 }] }
  expect(found(undefined, missing)).toMatchObject({ state: 'missing' })
  expect(found('unknown rows', missing)).toMatchObject({ state: 'unknown rows', text: 'the way out' })
})
