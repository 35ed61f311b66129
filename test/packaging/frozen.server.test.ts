// Owns the promise of upgrades: a project and a ledger that an earlier version has left are continued, and nothing of them is
// computed again. `BACKFILL_FREEZE=0.2.0 npm test -- test/packaging/frozen` freezes what this version leaves, from the newest sql/.
import { cpSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { backfillHere, environmentFor } from '../support/cli.ts'
import {
  addTransfers,
  createSources,
  type Databases,
  freeze,
  FROZEN_BLOCKS,
  thaw,
} from '../support/frozen.ts'
import { repository } from '../support/processes.ts'
import { startTestServer, uniqueDatabase } from '../support/server.ts'

const FROZEN = join(repository, 'test/fixtures/frozen')
const versions = readdirSync(FROZEN).toSorted((one, other) =>
  one.localeCompare(other, 'en', { numeric: true }),
)
const version = process.env['BACKFILL_FREEZE']

async function scene(folder: string) {
  const server = await startTestServer()
  onTestFinished(() => server.stop())
  const databases: Databases = {
    source: uniqueDatabase('source'),
    target: uniqueDatabase('target'),
    ledger: uniqueDatabase('ledger'),
  }
  const env = { ...environmentFor(server, databases), BACKFILL_LAG: '0', BACKFILL_SQL: join(folder, 'sql') }
  const run = async (words: string) => {
    const { code, stdout, stderr } = await backfillHere(words.split(' '), { env })
    expect(code, stderr).toBe(0)
    return stdout
  }
  return { server, databases, run }
}

test.for(version === undefined ? versions : [])(
  'the next version continues what version %s has left, and computes nothing again',
  async (old) => {
    const folder = join(FROZEN, old)
    const { server, databases, run } = await scene(folder)
    // Without the databases of locks, as after a restore: they need no backup.
    await thaw(server, folder, databases)
    const states = async () => {
      const { tables } = JSON.parse(await run('status --json')) as {
        tables: { state: string; watermark: number }[]
      }
      return tables.map(({ state, watermark }) => [state, watermark])
    }
    expect(await states()).toEqual([
      ['up to date', FROZEN_BLOCKS],
      ['up to date', FROZEN_BLOCKS],
    ])
    expect(await run('up')).toContain('Nothing to do')
    expect(await run('verify transfers_per_block --stored')).toContain('as recorded')
    await run('verify --sources')
    await addTransfers(server, databases, FROZEN_BLOCKS + 1, FROZEN_BLOCKS + 5)
    expect(await run('up --quiet --json')).toContain('"blocks":10')
    expect(await states()).toEqual([
      ['up to date', FROZEN_BLOCKS + 5],
      ['up to date', FROZEN_BLOCKS + 5],
    ])
    await run('verify transfers_per_block last_transfer')
  },
)

test.for(version === undefined ? [] : [version])('version %s is frozen', async (name) => {
  const folder = join(FROZEN, name)
  if (!versions.includes(name))
    cpSync(join(FROZEN, versions.at(-1)!, 'sql'), join(folder, 'sql'), { recursive: true })
  const { server, databases, run } = await scene(folder)
  await createSources(server, folder, databases)
  await run('up --to 20 --chunk 8')
  await run('redo transfers_per_block --from 5 --to 9 --cascade --yes')
  await run('rebuild last_transfer --drop-old --yes')
  await run('limit --jobs 2')
  await run('up --chunk 7')
  await freeze(server, folder, databases)
})
