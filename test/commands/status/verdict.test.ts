// Owns the promise of the verdict of `status --check`.
import { expect, test } from 'vitest'
import { verdictLine, verdictOf } from '../../../src/commands/status/verdict.ts'

const reason = (exit: number, text: string, key = 'a') => ({ table: key, exit, text })

test('the verdict is the worst of its reasons, 8 before 3 before 4, and its line names each once', () => {
  expect(verdictOf([])).toEqual({ exit: 0, reasons: [] })
  expect(verdictLine('n', verdictOf([]))).toBeUndefined()
  const stale = reason(4, 'stale 1-2')
  const missing = reason(3, '2 missing blocks')
  expect(verdictOf([stale]).exit).toBe(4)
  expect(verdictOf([stale, missing]).exit).toBe(3)
  const all = verdictOf([stale, missing, reason(8, 'emptied', 'b'), reason(3, '2 missing blocks', 'b')])
  expect(all.exit).toBe(8)
  expect(verdictLine('n', all)).toBe(
    'status --check: n: exit 8: b: emptied; a, b: 2 missing blocks; a: stale 1-2',
  )
})

test('what several sources of a table have in common is one reason', () => {
  const old = reason(8, 'source too old')
  const all = verdictOf([old, { ...old }, reason(8, 'source too old', 'b')])
  expect(all.reasons).toHaveLength(2)
  expect(verdictLine('n', all)).toBe('status --check: n: exit 8: a, b: source too old')
})
