// Owns the promise that the reference of commands and flags says what the program's help says.
import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { reference } from '../../scripts/reference.ts'

test('docs/reference.md is up to date: else run `npm run docs`', () => {
  expect(readFileSync('docs/reference.md', 'utf8')).toBe(reference())
})
