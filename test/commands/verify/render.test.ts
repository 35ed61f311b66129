import { expect, test } from 'vitest'
import { redoCommand } from '../../../src/commands/verify/render.ts'

test('the next command after a difference redoes the tables that read the blocks, too, without which redo refuses', () => {
  const range = { from: 5, to: 9 }
  expect(redoCommand('a', range, [{ after: ['b'] }])).toBe('Next: backfill redo a --from 5 --to 9')
  expect(redoCommand('a', range, [{ after: ['b', 'a'] }])).toBe(
    'Next: backfill redo a --from 5 --to 9 --cascade',
  )
})
