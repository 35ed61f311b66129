import { readdirSync, readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { normalForm, splitStatements } from '../../src/sql-syntax/statements.ts'
import { usedParameters } from '../../src/sql-syntax/parameters.ts'

const folder = new URL('../fixtures/sql/', import.meta.url)

test.for(readdirSync(folder).filter((name) => name.endsWith('.sql')))(
  '%s is split, hashed and searched for parameters as written down beside it',
  async (name) => {
    const statements = splitStatements(name, readFileSync(new URL(name, folder), 'utf8'))
    const found = statements.map((statement) => ({
      line: statement.line,
      text: statement.text,
      normalForm: normalForm(statement),
      parameters: usedParameters(statement).map(({ name: parameter, type }) => `${parameter} ${type}`),
    }))
    const expected = new URL(name.replace(/\.sql$/, '.expected.json'), folder)
    await expect(`${JSON.stringify(found, null, 2)}\n`).toMatchFileSnapshot(expected.pathname)
  },
)
