// Owns the promise that a rebuild killed at any instant is finished by the next one: no row is lost, nothing is swapped back,
// and readers never see less than a whole table.
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { readCatalogue } from '../../../src/project/sql-folder.ts'
import type { Catalogue } from '../../../src/model/model.ts'
import { contentOf } from '../../support/audit.ts'
import { environmentFor, startBackfill } from '../../support/cli.ts'
import { type Kill, killHeld } from '../../support/held.ts'
import { outcome, temporaryDirectory } from '../../support/processes.ts'
import { type Held, type Seen, startProxy } from '../../support/proxy.ts'
import { intoTarget } from '../../support/requests.ts'
import { post, rowsOf, startTestServer, type TestServer, uniqueDatabase } from '../../support/server.ts'
import { addBlocks, createSourceTables, SLOT_SOURCES } from '../../support/small-chain.ts'
import { rebuildWorkspace } from '../../support/verifying.ts'
import { openTestWorkspace, SQL_FOLDER } from '../../support/workspace.ts'

const KEY = 'block_slots_stat'
const TABLE = `int_${KEY}`
const BLOCKS = 12

let server: TestServer
let source: string
let folder: string
let catalogue: Catalogue
/** What a clean run with the SQL as it was makes, and with the SQL as it is now. */
let before: string
let after: string
beforeAll(async () => {
  server = await startTestServer()
  source = uniqueDatabase('source')
  const shipped = await readCatalogue(SQL_FOLDER)
  await createSourceTables(server, shipped, source, SLOT_SOURCES)
  await addBlocks(server, source, { from: 1, to: BLOCKS, tables: SLOT_SOURCES })
  // A file that was edited, its transform and its DDL.
  folder = mkdtempSync(join(tmpdir(), 'backfill-test-'))
  cpSync(SQL_FOLDER, folder, { recursive: true })
  edit(`transforms/${KEY}.sql`, 'toUInt32(countIf(is_set))', 'toUInt32(countIf(is_set) + 5)')
  edit(`ddl/${KEY}.sql`, 'slots_set       UInt32', 'slots_set       UInt64')
  catalogue = await readCatalogue(folder)
  const [old, clean] = [await built(shipped), await built(catalogue)]
  ;[before, after] = [await contentOf(server, old, TABLE), await contentOf(server, clean, TABLE)]
})
afterAll(async () => {
  await server?.stop()
  rmSync(folder, { recursive: true, force: true })
})

function edit(file: string, from: string, to: string): void {
  const text = readFileSync(join(folder, file), 'utf8')
  expect(text).toContain(from)
  writeFileSync(join(folder, file), text.replace(from, to))
}

async function built(files: Catalogue, ledger?: string): Promise<string> {
  const workspace = await openTestWorkspace({
    server,
    source,
    tables: [KEY],
    catalogue: files,
    ...(ledger && { ledger }),
  })
  expect((await workspace.up({ chunk: 4 })).failed).toEqual([])
  await workspace.close()
  return workspace.target
}

const renaming =
  (to: RegExp) =>
  ({ statement, search }: Seen): boolean =>
    statement.startsWith('RENAME TABLE') && to.test(search.get('param_other') ?? '')
const exchanging = ({ statement }: Seen): boolean => statement.startsWith('EXCHANGE TABLES')
const dropping = ({ statement }: Seen): boolean =>
  statement.startsWith('DROP TABLE') && statement.includes('SYNC')

/** Each rebuild of a row takes over from the one before it, and is killed one step further. */
const ROWS: readonly { kills: readonly Kill[]; flags: readonly string[]; outcome: string }[] = [
  {
    kills: [
      ['its INSERT executed and not answered', intoTarget(KEY, 5), 'answer'],
      ['EXCHANGE executed and not answered', exchanging, 'answer'],
    ],
    flags: [],
    outcome: 'finished',
  },
  {
    kills: [
      ['the old table on the way to its last name', renaming(/__old_/), 'request'],
      ['the drop of the old table on the way', dropping, 'request'],
    ],
    flags: ['--drop-old', '--yes'],
    outcome: 'dropped',
  },
]

test.for(ROWS.map((row) => [row.kills.map(([what]) => what).join('; killed with '), row] as const))(
  'killed with %s',
  async ([, { kills, flags, outcome: end }]) => {
    const shipped = await readCatalogue(SQL_FOLDER)
    const ledger = uniqueDatabase('ledger')
    const target = await built(shipped, ledger)
    const proxy = await startProxy(server.url)
    onTestFinished(() => proxy.close())
    const reader = readAllAlong(target)

    const env = environmentFor({ ...server, url: proxy.url }, { source, target, ledger })
    const words = ['rebuild', KEY, '--sql', folder, '--chunk', '4', '--lag', '0', '--jobs', '1', ...flags]
    const late: Held[] = []
    for (const kill of kills)
      late.push(await killHeld(proxy, kill, () => startBackfill(words, { env, cwd: temporaryDirectory() })))

    const next = await openTestWorkspace({ server, source, target, ledger, tables: [KEY], catalogue })
    onTestFinished(() => next.close())
    const dropOld = flags.length > 0
    const report = await rebuildWorkspace(next, { dropOld })
    expect(report).toMatchObject({ outcome: end })
    // What was on the way arrives now, when all is done.
    for (const held of late) await held.release()

    expect(await contentOf(server, target, TABLE)).toBe(after)
    const left = await rowsOf<{ name: string }>(
      server,
      'SELECT name FROM system.tables WHERE database = {target:String} ORDER BY name',
      { target },
    )
    expect(left.map((row) => row.name)).toEqual([
      TABLE,
      ...(dropOld ? [] : [expect.stringMatching(/__old_[0-9a-f]{8}$/)]),
    ])
    if (!dropOld) expect(await contentOf(server, target, left[1]!.name)).toBe(before)
    // Its coverage has come with it: nothing is left to do.
    expect(await next.up()).toMatchObject({ chunks: 0, failed: [] })
    const seen = await reader.stop()
    expect(before).not.toBe(after)
    expect(seen).toEqual(new Set([before, after]))
  },
)

test('an EXCHANGE that arrives late, in the middle of that of a successor, swaps nothing back', async () => {
  const ledger = uniqueDatabase('ledger')
  const target = await built(await readCatalogue(SQL_FOLDER), ledger)
  const proxies = [await startProxy(server.url), await startProxy(server.url)] as const
  onTestFinished(async () => void (await Promise.all(proxies.map((proxy) => proxy.close()))))
  const late = proxies[0].hold(exchanging)
  const env = environmentFor({ ...server, url: proxies[0].url }, { source, target, ledger })
  const child = startBackfill(['rebuild', KEY, '--sql', folder, '--lag', '0'], {
    env,
    cwd: temporaryDirectory(),
  })
  await late.arrived
  child.kill('SIGKILL')
  await outcome(child)

  const last = proxies[1].hold(renaming(/__old_/))
  const through = { ...server, url: proxies[1].url }
  const next = await openTestWorkspace({ server: through, source, target, ledger, tables: [KEY], catalogue })
  onTestFinished(() => next.close())
  const running = rebuildWorkspace(next)
  await last.arrived
  expect((await late.release()).text).toContain('UNKNOWN_TABLE')
  await last.release()
  expect(await running).toMatchObject({ outcome: 'swapped' })
  expect(await contentOf(server, target, TABLE)).toBe(after)
})

/** Reads the table again and again, and remembers everything that it saw. */
function readAllAlong(target: string): { stop(): Promise<ReadonlySet<string>> } {
  const seen = new Set<string>()
  const stopping = new AbortController()
  const reading = (async () => {
    while (!stopping.signal.aborted) {
      const sum = `SELECT concat(toString(count()), ' rows, ', toString(uniqExact(block_number)), ' keys, hash ', toString(sum(sipHash64(*))))
        FROM {target:Identifier}.{table:Identifier} FINAL FORMAT TSVRaw`
      seen.add((await post(server, sum, { target, table: TABLE })).trim())
      await sleep(30)
    }
  })()
  return {
    async stop() {
      stopping.abort()
      await reading
      return seen
    },
  }
}
