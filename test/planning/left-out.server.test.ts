// Owns the promise that a plan says which tables will not run, and counts no chunk that `up` would not run.
import { expect, onTestFinished, test } from 'vitest'
import { chainScene } from '../support/chain-scene.ts'
import { startProxy } from '../support/proxy.ts'
import { intoTarget } from '../support/requests.ts'
import { post, rowsOf } from '../support/server.ts'
import { openTestWorkspace } from '../support/workspace.ts'

const { catalogue, server, databases, run } = await chainScene()
const lastLine = async (words: string) => {
  const { code, stdout, stderr } = await run(words)
  expect(code, stderr).toBe(0)
  return stdout.trimEnd().split('\n').at(-1)
}
type Planned = {
  readonly table: string
  readonly left_out: string | null
  readonly chunks: readonly object[]
}
const planned = async (words: string) => {
  const { tables } = JSON.parse((await run(`plan --json ${words}`)).stdout) as { tables: readonly Planned[] }
  return Object.fromEntries(tables.map(({ table, left_out, chunks }) => [table, left_out ?? chunks.length]))
}

test('a table that is not as its file says is stopped, and what reads it waits, as in `up`', async () => {
  await run('create-tables --all')
  await post(server(), `ALTER TABLE ${databases().target}.int_address_diffs MODIFY COLUMN tx_count UInt8`)
  const words = '--tables +accounts_alive'
  const plan = await run(`plan ${words}`)
  expect(plan.stdout).toMatch(/address_diffs: \S+ is not as \S+ says: .*: `backfill rebuild address_diffs`/)
  expect(plan.stdout).toContain(
    'accounts_alive: blocks 1-20: left out, for this run does not build them in address_diffs, which they read\n',
  )
  expect(plan.stdout.trimEnd().split('\n').at(-1)).toBe(
    'Left out: 1 table is stopped (address_diffs) and 2 tables wait (post_6780_accounts_destructs, accounts_alive); the lines above say why.',
  )
  const { pre_6780_accounts_destructs: pre, ...rest } = await planned(words)
  expect([rest['address_diffs'], rest['accounts_alive'], pre]).toEqual(['stopped', 'waiting', 1])
  expect((await run(`up ${words}`)).code).toBe(1)
  const alive = `SELECT toUInt32(count()) AS n FROM ${databases().target}.int_accounts_alive`
  expect(await rowsOf(server(), alive)).toEqual([{ n: 0 }])
  expect(await lastLine(`plan ${words}`)).toBe(
    'Nothing runs: 1 table is stopped (address_diffs) and 2 tables wait (post_6780_accounts_destructs, accounts_alive); the lines above say why.',
  )
})

test('what reads a table that is not chosen waits for it, and runs as far as that is done', async () => {
  const plan = (await run('plan --tables accounts_alive')).stdout.trimEnd().split('\n')
  expect(plan.at(-1)).toBe('Nothing runs: 1 table waits (accounts_alive); the lines above say why.')
  const why = 'blocks 1-20: left out, for this run does not build them in address_diffs, which they read'
  expect(plan).toContain(`accounts_alive: ${why} (\`backfill up +accounts_alive\` does)`)
  expect((await run('up --tables +accounts_alive --exclude accounts_alive --to 12')).code).toBe(0)
  expect(await planned('--tables accounts_alive --chunk 12')).toEqual({ accounts_alive: 1 })
  const up = await run('up --tables accounts_alive')
  expect(up.stdout).toContain('12 blocks')
  const hint =
    '8 blocks wait: input address_diffs is at block 13, input pre_6780_accounts_destructs is at block 13 (`backfill up +accounts_alive` builds what it reads, too)'
  expect(up.stderr).toContain(`accounts_alive  ${hint}`)
  expect(await planned('--tables accounts_alive')).toEqual({ accounts_alive: 'waiting' })
})

test('without source rows a table waits; complete tables have nothing to do', async () => {
  const words = '--tables block_slots_stat,address_reads'
  expect((await run(`up ${words}`)).code).toBe(0)
  expect(await lastLine(`plan ${words}`)).toBe('Nothing to do.')
  const all = catalogue.sources.map(({ table }) => `${databases().source}.${table}`)
  for (const table of all) await post(server(), `TRUNCATE TABLE ${table}`)
  expect(await lastLine(`plan ${words}`)).toBe(
    'Nothing runs: 2 tables wait (address_reads, block_slots_stat); the lines above say why.',
  )
})

test('what a run works on is in progress, not dirty, and named with its process, as in `status`', async () => {
  const proxy = await startProxy(server().url)
  const through = await openTestWorkspace({
    server: { ...server(), url: proxy.url },
    catalogue,
    ...databases(),
    tables: ['block_slots_stat'],
  })
  onTestFinished(async () => {
    await through.close()
    await proxy.close()
  })
  const held = proxy.hold(intoTarget('block_slots_stat'))
  const ended = through.up({ chunk: 20 })
  await held.arrived
  const words = '--tables block_slots_stat'
  expect((await run(`status ${words}`)).stdout).toContain('block_slots_stat: in progress 1-20 (20 blocks).')
  const { stdout } = await run(`plan ${words}`)
  expect(stdout).toMatch(
    /block_slots_stat: in progress 1-20 \(20 blocks\): a run on \S+ \(pid \d+\) works on it/,
  )
  expect(stdout).not.toContain('dirty')
  await held.release()
  expect(await ended).toMatchObject({ failed: [] })
})
