// Owns the promise that a redo that stops names the command which goes on with all of it.
import { expect, test } from 'vitest'
import { continuing } from '../../../src/commands/redo/render.ts'

test('a redo with its dependants that was interrupted is continued in all of its tables, not in the named one alone', () => {
  expect(continuing([{ table: 'gas' }, { table: 'double' }])).toBe('backfill up --tables gas,double')
  expect(continuing([{ table: 'gas' }])).toBeUndefined()
})
