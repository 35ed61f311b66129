// Owns the promise that a deletion which a dead run has left waiting in a table is ended by whoever takes its lock over, though no
// block is half written: its fence would fail it for ever, and it would hold up every mutation behind it. On one server the fence
// keeps it out of a table of another UUID; on a cluster nothing does, so it is put here by hand.
import { beforeEach, expect, onTestFinished, test } from 'vitest'
import { endAttempts } from '../../src/runner/recover.ts'
import { commentLiteral } from '../../src/lock/comment.ts'
import { lockName } from '../../src/lock/fence.ts'
import type { Lock } from '../../src/lock/lock.ts'
import { identity } from '../../src/seam/process.ts'
import { environmentFor, startBackfill } from '../support/cli.ts'
import { chainScene } from '../support/chain-scene.ts'
import { ledgerEvent } from '../support/clickhouse.ts'
import { outcome } from '../support/processes.ts'
import { post, rowsOf } from '../support/server.ts'
import { openTestWorkspace } from '../support/workspace.ts'

const KEY = 'block_slots_stat'
const TABLE = `int_${KEY}`

const { databases, run, server } = await chainScene()
beforeEach(async () => {
  await run(`up --tables ${KEY} --to 10`)
})

const say = (statement: string) => post(server(), statement, databases())

/** A process of this host that is gone has taken the lock, and has sent a DELETE that waits for merges. */
async function leaveDeletion(): Promise<void> {
  const locks = `${databases().ledger}_locks`
  const name = lockName({ network: 'mainnet', key: KEY, epoch: 9 })
  const who = { ...identity(), pid: 2 ** 22 + 1, taker: 'gone', since: 'then', heartbeat: 'then', beats: 0 }
  await say(
    `CREATE TABLE ${locks}.${name} (nothing UInt8) ENGINE = Null COMMENT ${commentLiteral({ ...who, released: false })}`,
  )
  await say(`SYSTEM STOP MERGES ${databases().target}.${TABLE}`)
  await say(`DELETE FROM ${databases().target}.${TABLE} WHERE block_number = 3 AND (
      SELECT throwIf(max(name) != '${name}', 'lock lost') FROM system.tables WHERE database = '${locks}' AND startsWith(name, 'mainnet__${KEY}__')
    ) = 0 SETTINGS lightweight_deletes_sync = 0`)
  expect(await waiting()).toBe(1)
}

const waiting = async () =>
  (
    await rowsOf<{ n: number }>(
      server(),
      `SELECT count() AS n FROM system.mutations WHERE database = '${databases().target}' AND table = '${TABLE}' AND NOT is_done`,
    )
  )[0]!.n

test('up ends a deletion that a dead run has left in a table without half-written blocks', async () => {
  await leaveDeletion()
  expect((await run(`up --tables ${KEY}`)).code).toBe(0)
  expect(await waiting()).toBe(0)
})

test('a deletion that waits for merges is said, the first Ctrl-C ends the run, and up goes on from there', async () => {
  await say(`SYSTEM STOP MERGES ${databases().target}.${TABLE}`)
  const env = { ...environmentFor(server(), databases()), BACKFILL_LAG: '0' }
  const redo = startBackfill(['redo', KEY, '--from', '2', '--to', '4', '--yes'], { env })
  const ended = outcome(redo)
  await new Promise<void>((said) => {
    redo.stderr!.on('data', (text: string) => {
      if (text.includes('has not ended: are its merges stopped?')) said()
    })
  })
  redo.kill('SIGINT')
  const { code, stderr } = await ended
  expect({ code, stderr }).toEqual({
    code: 130,
    stderr: expect.stringContaining('had not ended when the run was stopped'),
  })
  expect(await waiting()).toBe(1)
  await say(`SYSTEM START MERGES ${databases().target}.${TABLE}`)
  expect(await run(`up --tables ${KEY} --to 10`)).toMatchObject({ code: 0 })
  expect(await waiting()).toBe(0)
  expect(await rowsOf(server(), `SELECT count() AS n FROM ${databases().target}.${TABLE} FINAL`)).toEqual([
    { n: 10 },
  ])
})

test('adopt ends it, too, before it compares', async () => {
  const { target } = databases()
  await say(`RENAME TABLE ${target}.${TABLE} TO ${target}.moved`)
  await say(`CREATE TABLE ${target}.${TABLE} AS ${target}.moved`)
  await say(`INSERT INTO ${target}.${TABLE} SELECT * FROM ${target}.moved`)
  await leaveDeletion()
  const { code, stdout } = await run(`adopt ${KEY} --to 10`)
  expect({ code, stdout }).toMatchObject({ code: 0, stdout: expect.stringContaining('Recorded as done') })
  expect(await waiting()).toBe(0)
})

test('rebuild ends it in the old table, where no run would look', async () => {
  await leaveDeletion()
  const { code, stderr } = await run(`rebuild ${KEY} --yes`)
  expect({ code, stderr }).toMatchObject({ code: 0 })
  const unfinished = `SELECT count() AS n FROM system.mutations WHERE database = '${databases().target}' AND NOT is_done`
  expect(await rowsOf(server(), unfinished)).toEqual([{ n: 0 }])
})

test('who ends deletions of earlier epochs spares those of later ones: the statement may arrive late', async () => {
  await leaveDeletion()
  const opened = await openTestWorkspace({ ...databases(), server: server(), tables: [KEY] })
  onTestFinished(() => opened.close())
  const { ports, chosen } = opened.workspace
  const end = async (epoch: number) => {
    const name = lockName({ network: 'mainnet', key: KEY, epoch })
    await ports.executor.endDeletions(chosen[0]!, { name } as Lock)
  }
  await end(8)
  await end(9)
  expect(await waiting()).toBe(1)
  await end(10)
  expect(await waiting()).toBe(0)
})

test('who ends statements of earlier runs ends none of a run that has taken the lock since', async () => {
  const opened = await openTestWorkspace({ ...databases(), server: server(), tables: [KEY] })
  onTestFinished(() => opened.close())
  const { ports } = opened.workspace
  const lock = await ports.locks.acquire(KEY, () => undefined)
  const table = (await ports.target.tables([TABLE])).get(TABLE)!
  const range = { from: 11, to: 12 }
  const queryId = `${KEY}-11-12-living`
  await ports.ledger.append(lock, ledgerEvent({ event: 'started', targetUuid: table.uuid, range, queryId }))
  const chunk = fetch(`${server().url}/?query_id=${queryId}`, {
    method: 'POST',
    body: 'SELECT sum(sleepEachRow(1)) FROM numbers(60) SETTINGS max_block_size = 1',
    headers: { 'X-ClickHouse-User': server().username, 'X-ClickHouse-Key': server().password },
  }).then(({ ok }) => ok)
  const runs = async () =>
    await rowsOf<{ n: number }>(
      server(),
      `SELECT count() AS n FROM system.processes WHERE query_id = '${queryId}'`,
    )
  await expect.poll(runs).toEqual([{ n: 1 }])
  const attempts = await ports.ledger.attempts(KEY, table.uuid, [range])
  const below: Lock = { ...lock, epoch: lock.epoch - 1 }
  await expect(endAttempts(ports, below, attempts)).rejects.toMatchObject({ kind: 'locked' })
  expect(await runs()).toEqual([{ n: 1 }])
  await endAttempts(ports, lock, attempts)
  expect(await chunk).toBe(false)
  await lock.release()
})
