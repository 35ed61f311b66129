// Owns the promise that two runners with one host name are two where neither sees the other's processes, as in two containers.
import { spawnSync } from 'node:child_process'
import { describe, expect, test } from 'vitest'
import type { Server } from '../../src/clickhouse/server.ts'
import { namesFor } from '../../src/clickhouse/connection.ts'
import { identity } from '../../src/seam/process.ts'
import { backfill, environmentFor, MAIN } from '../support/cli.ts'
import { catalogue, useServer } from '../support/clickhouse.ts'
import { KEY, openRunner, silent } from '../support/locks.ts'
import { repository } from '../support/processes.ts'
import { type TestServer, uniqueDatabase } from '../support/server.ts'
import { addBlocks, createSourceTables } from '../support/small-chain.ts'

/** A command in a PID namespace of its own, with the host name and the network of this one. */
const APART = [
  'unshare',
  ...(process.getuid?.() === 0 ? [] : ['--user', '--map-root-user']),
  '--pid',
  '--fork',
  '--kill-child',
  '--mount-proc',
]
const missing =
  spawnSync(APART[0]!, [...APART.slice(1), 'true']).status === 0
    ? undefined
    : `skipped: two PID namespaces (${APART.join(' ')} is absent or not allowed)`
if (missing) console.warn(missing)

describe.skipIf(missing)('two PID namespaces with one host name', () => {
  let testServer: TestServer
  let server: Server
  useServer((login, connected) => {
    testServer = login
    server = connected
  })

  test('a runner does not take the lock that a living runner of another namespace holds', async () => {
    const [source, target, ledger] = ['source', 'target', 'ledger'].map(uniqueDatabase) as [
      string,
      string,
      string,
    ]
    await createSourceTables(testServer, catalogue, source)
    await addBlocks(testServer, source, { from: 1, to: 10 })
    const options = {
      env: { ...environmentFor(testServer, { source, target, ledger }), BACKFILL_LAG: '0' },
      command: [...APART, process.execPath, MAIN],
    }
    const up = () => backfill(['up', '--tables', KEY], options)
    const before = await up()
    expect(before.code, before.stderr).toBe(0)

    await addBlocks(testServer, source, { from: 11, to: 20 })
    const { locks } = await openRunner(server, namesFor(ledger))
    const lock = await locks.acquire(KEY, silent)
    const refused = await up()
    expect(refused.stderr).toContain(`is locked by process ${process.pid} on ${identity().host} `)
    expect(refused.code).toBe(5)
    await lock.release()
    expect((await up()).code).toBe(0)
  })

  test('each namespace has its own identity, which stays the same from process to process', () => {
    const code = `import { identity } from '${repository}/src/seam/process.ts'; console.log(identity().pidNamespace)`
    const say = (command: readonly string[]) =>
      spawnSync(command[0]!, [...command.slice(1), '--input-type=module-typescript', '--eval', code], {
        encoding: 'utf8',
      }).stdout.trim()
    const here = identity().pidNamespace
    expect(here).toMatch(/^\d+ of boot [0-9a-f-]{36}$/)
    expect(say([process.execPath])).toBe(here)
    expect(say([...APART, process.execPath])).toMatch(/^\d+ of boot [0-9a-f-]{36}$/)
    expect(say([...APART, process.execPath])).not.toBe(here)
  })
})
