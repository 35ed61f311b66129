// Owns the promise that `status` names the accepted blocks in which rows have arrived since.
import { beforeEach, expect, test } from 'vitest'
import { chainScene } from '../../support/chain-scene.ts'
import { addBlocks } from '../../support/small-chain.ts'
import { checkedBy } from '../../support/status-check.ts'

const { server, databases, run: runAll } = await chainScene()
/** A run has done blocks 1-20. */
beforeEach(async () => void (await run('up')))

const run = (words: string) =>
  runAll(words.includes('--tables') ? words : `${words} --tables block_slots_stat`)
const checked = checkedBy(run)

test('accepted blocks in which rows have arrived are named, and no longer healthy', async () => {
  await addBlocks(server(), databases().source, { from: 3021, to: 3030 })
  await run('up')
  expect((await run('accept --from 21 --to 3020 --yes')).code).toBe(0)
  expect(await checked()).toMatchObject({ code: 0 })
  await addBlocks(server(), databases().source, { from: 21, to: 3020 })
  expect(await checked()).toMatchObject({ code: 3, exits: [3] })
  const { stdout } = await run('status')
  expect(stdout).toContain(
    'rows have arrived in blocks 21-3020, accepted before: `backfill accept block_slots_stat --revoke --from 21 --to 3020`',
  )
  expect((await run('accept --revoke --from 21 --to 3020 --yes')).code).toBe(0)
  expect((await run('up')).code).toBe(0)
  expect(await checked()).toMatchObject({ code: 0 })
})

const revoked = (from: number, to: number) =>
  `\`backfill accept block_slots_stat --revoke --from ${from} --to ${to}\``

test('rows that have arrived far behind the beginning of accepted blocks are named, too, whatever other rows are before them', async () => {
  const tables = '--tables address_diffs'
  await addBlocks(server(), databases().source, { from: 30_001, to: 30_010 })
  // Three rows a block, and none of nonce_diffs.
  const others = ['transaction', 'balance_diffs', 'contracts', 'storage_diffs']
  await addBlocks(server(), databases().source, { from: 21, to: 30_000, tables: others })
  await run(`up ${tables}`)
  expect(await run(`accept --from 21 --to 30000 --yes ${tables}`)).toMatchObject({ code: 0 })
  await addBlocks(server(), databases().source, { from: 25_001, to: 25_005 })
  expect((await run(`status ${tables}`)).stdout).toContain(
    'rows have arrived in blocks 25001-25005, accepted before',
  )
})

test('accepted blocks without rows are no blocks in which rows have arrived, however near those have come', async () => {
  await addBlocks(server(), databases().source, { from: 3021, to: 3030 })
  await run('up')
  expect((await run('accept --from 21 --to 3020 --yes')).code).toBe(0)
  await addBlocks(server(), databases().source, { from: 421, to: 430 })
  await addBlocks(server(), databases().source, { from: 2001, to: 2010 })
  expect((await run('status')).stdout).toContain(
    `rows have arrived in blocks 421-430, 2001-2010, accepted before: ${revoked(421, 430)}, ${revoked(2001, 2010)}, then`,
  )
  expect((await run('accept --revoke --from 421 --to 430 --yes')).code).toBe(0)
  expect((await run('accept --revoke --from 2001 --to 2010 --yes')).code).toBe(0)
  expect((await run('up')).code).toBe(0)
  expect(await checked()).toMatchObject({ code: 0, state: 'up to date' })
})
