// Owns the promise that generated pages and schemas say what the program and scripts/json say.
import { readdirSync, readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { DOCUMENTS } from '../../scripts/json/documents.ts'
import { jsonFiles } from '../../scripts/json/reference.ts'
import { COMMANDS } from '../../src/cli/commands.ts'
import { reference } from '../../scripts/reference.ts'

test('docs/reference.md is up to date: else run `npm run docs`', () => {
  expect(readFileSync('docs/reference.md', 'utf8')).toBe(reference())
})

test('the schemas and docs/reference/json.md are up to date: else run `npm run docs`', () => {
  const files = jsonFiles()
  for (const [file, text] of files) expect(readFileSync(file, 'utf8'), file).toBe(text)
  const schemas = readdirSync('schema').map((name) => `schema/${name}`)
  expect(schemas.filter((file) => !files.has(file))).toEqual([])
})

test('every command that prints a result has --json and a schema', () => {
  const withJson = COMMANDS.filter(({ flags }) => flags.some(({ name }) => name === 'json'))
  expect(COMMANDS.filter((command) => !withJson.includes(command)).map(({ name }) => name)).toEqual([
    'serve', // It answers over HTTP.
    'completion', // It prints a script.
  ])
  expect(withJson.map(({ name }) => name).toSorted()).toEqual(Object.keys(DOCUMENTS).toSorted())
})
