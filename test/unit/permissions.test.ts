// Owns that docs/reference/permissions.md and the tests of its lines are the same list.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { repository } from '../support/processes.ts'

const FILES = ['source-permissions', 'target-permissions', 'limited-user']
const sorted = (ids: readonly string[]) => ids.toSorted((a, b) => a.localeCompare(b))
const read = (path: string) => readFileSync(join(repository, path), 'utf8')

test('every line of the tables in docs/reference/permissions.md has one test under its id, and every such test a line', () => {
  const lines = [...read('docs/reference/permissions.md').matchAll(/^\| `((?:source|target)-[\w-]+)`/gm)].map(
    ([, id = '']) => id,
  )
  const tests = FILES.flatMap((file) =>
    [...read(`test/clickhouse/${file}.server.test.ts`).matchAll(/^test\('\[([\w-]+)\] /gm)].map(
      ([, id = '']) => id,
    ),
  )
  expect(lines.length).toBeGreaterThan(20)
  expect(sorted(tests)).toEqual(sorted(lines))
})
