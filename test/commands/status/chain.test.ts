// Owns the promise that the age of a source is judged by rows that are not dated in the future.
import { expect, test } from 'vitest'
import { oldText } from '../../../src/commands/status/chain.ts'

test('a source whose rows are all dated in the future may be of any age: it is not taken for young', () => {
  expect(oldText('s', -86_400, 3600)).toEqual([
    {
      state: 'source too old',
      text: 'the newest rows of s are dated in the future, by 24 h 0 min: how old they are (--max-source-age) cannot be said',
    },
  ])
  expect(oldText('s', -86_400, Infinity)).toEqual([])
  expect(oldText('s', 60, 3600)).toEqual([])
})
