// Owns the promise that a name in SQL text stays one name, whatever it holds.
import { expect, test } from 'vitest'
import { significantTokens } from '../../src/sql-syntax/lexer.ts'
import { quotedName, quoteIdentifier } from '../../src/sql-syntax/quoting.ts'

test.each(['\\`, admin --', 'a`b', 'a\\', '\\', 'a b', 'a-b', '"', 'a\\`b\\\\', ''])(
  '%j is one name in a GRANT',
  (name) => {
    for (const text of [quotedName(name), quoteIdentifier(name)]) {
      const tokens = significantTokens({ file: 'a.sql', line: 1, text: `GRANT SELECT TO ${text} WITH` })
      expect(tokens.map((token) => token.text)).toEqual(['GRANT', 'SELECT', 'TO', text, 'WITH'])
    }
  },
)

test('a name of letters, digits and _ needs no quotes', () => {
  expect(quotedName('a_1')).toBe('a_1')
})
