import * as fc from 'fast-check'
import { expect, onTestFinished, test } from 'vitest'
import { commentLiteral, isDead, readInfo } from '../../src/lock/comment.ts'
import { replaceThisProcess } from '../../src/seam/process.ts'

const comment = (text: string) => ({
  host: text,
  pid: 1,
  pidNamespace: text,
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

const me = { host: 'böx', pid: 7, pidNamespace: '4026531836 of boot 1' }
const other = { ...me, host: 'b?x', pid: 8 } // as a comment holds the name

test.for([
  { says: 'its process is gone', holder: other, dead: true },
  { says: 'its process lives', holder: { ...other, pid: 9 }, dead: false },
  { says: 'it has the number of this process', holder: { ...other, pid: 7 }, dead: false },
  { says: 'it is on another host', holder: { ...other, host: 'bax' }, dead: false },
  { says: 'it is in another PID namespace', holder: { ...other, pidNamespace: '4' }, dead: false },
  { says: 'its comment has no PID namespace', holder: { host: 'b?x', pid: 8 }, dead: false },
])('a holder is known to be dead: $dead, where $says', ({ holder, dead }) => {
  onTestFinished(replaceThisProcess({ identity: () => me, isAlive: (pid) => pid === 9, end: () => {} }))
  expect(isDead(holder as typeof me)).toBe(dead)
})

test.each([
  'null',
  '5',
  '[]',
  '{}',
  '{"name":"other","epoch":1e300,"host":{},"pid":"1","pidNamespace":[],"since":null,"heartbeat":7,"released":"yes"}',
  'edited by hand',
])('a comment that no run wrote, %s, says neither which lock it is nor who holds it', (edited) => {
  expect(readInfo({ name: 'm__a__00000000000000000017', comment: edited })).toEqual({
    name: 'm__a__00000000000000000017',
    epoch: 17,
    host: 'unknown',
    pid: 0,
    pidNamespace: '',
    since: '',
    heartbeat: '',
    released: false,
    command: '',
  })
})
