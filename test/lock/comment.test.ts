import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { commentLiteral } from '../../src/lock/comment.ts'

const comment = (text: string) => ({
  host: text,
  pid: 1,
  since: text,
  heartbeat: text,
  beats: 2,
  released: false,
})

test('no text can break out of the literal of a lock’s comment', () => {
  const hostile = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.string({ unit: fc.constantFrom("'", '\\', '`', '"', ';', '\n', '\0', '{', '}', '-', '$', 'é', ' ') }),
  )
  fc.assert(
    fc.property(hostile, (text) => {
      // Between the quotes nothing ends or escapes a literal, and nothing is more than one byte.
      expect(commentLiteral(comment(text))).toMatch(/^'[A-Za-z0-9 _.:{}",+?-]*'$/)
    }),
  )
})

test('an ordinary comment is JSON that says what it was given', () => {
  const given = comment('db-1.example.org')
  expect(JSON.parse(commentLiteral(given).slice(1, -1))).toEqual(given)
})
