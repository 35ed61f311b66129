import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { areNamed, LONG } from '../long-tests.ts'
import { repository } from '../support/processes.ts'

test('every long test file exists', () => {
  expect(LONG.filter((file) => !existsSync(join(repository, file)))).toEqual([])
})

test.for([
  [['run'], false],
  [['run', '--reporter=json'], false],
  [[], false],
  [['run', 'test/runner'], true],
  [['run', '-t', 'a range killed after its insert'], true],
] as const)('`vitest %s`: long tests are left out unless something is named', ([words, expected]) => {
  expect(areNamed(['node', 'vitest.mjs', ...words])).toBe(expected)
})
