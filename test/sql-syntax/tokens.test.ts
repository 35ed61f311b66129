// Owns the promise that brackets are matched alike one by one and all at once.
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { OPENING, significantTokens, closingAt, closings } from '../../src/sql-syntax/lexer.ts'

test('every bracket has the same partner, asked for alone or with all others, also where brackets do not fit', () => {
  const piece = fc.constantFrom('(', ')', '[', ']', '{', '}', 'a', ',', '1')
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 40 }), (pieces) => {
      const tokens = significantTokens({ file: 'a.sql', text: pieces.join(' '), line: 1 })
      const all = closings(tokens)
      for (const [at, { text }] of tokens.entries())
        if (OPENING.has(text)) expect(all.get(at) ?? -1).toBe(closingAt(tokens, at))
    }),
  )
})
