// Owns that docs/reference/permissions.md and the tests of its lines are the same list.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { backfillHere } from '../support/cli.ts'
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

test('the lines of docs/reference/permissions.md are what `info --grants` prints', async () => {
  const page = read('docs/reference/permissions.md')
  for (const role of ['runner', 'reader']) {
    const { code, stdout } = await backfillHere(['info', '--grants', role], {
      env: { BACKFILL_NETWORK: 'mainnet' },
    })
    expect(code).toBe(0)
    expect(page).toContain(`\`\`\`sql\n${stdout}\`\`\``)
  }
})

test('`info --grants` names the databases and the user that are configured', async () => {
  const env = {
    TARGET_CLICKHOUSE_URL: 'localhost:1',
    TARGET_CLICKHOUSE_USERNAME: 'cron-job',
    TARGET_CLICKHOUSE_DATABASE: 'derived',
    SOURCE_CLICKHOUSE_DATABASE: 'xatu',
    BACKFILL_LEDGER_DATABASE: 'notes',
  }
  const { stdout } = await backfillHere(['info', '--grants', 'runner', '--json'], { env })
  const { grants } = JSON.parse(stdout) as { grants: readonly string[] }
  expect(grants).toContain('GRANT ALTER DELETE ON derived.* TO `cron-job`;')
  expect(grants).toContain('GRANT SELECT ON xatu.* TO `cron-job`;')
  expect(grants.filter((line) => line.includes('notes_locks.*'))).toHaveLength(1)
})
