// Owns the promise that a fork counts as compared with blocks only where nothing else can follow from its number.
import { expect, test } from 'vitest'
import { readCatalogue } from '../../src/project/sql-folder.ts'
import { forkUses } from '../../src/sql-syntax/fork-uses.ts'
import { SQL_FOLDER } from '../support/workspace.ts'

const RANGE = 'block_number BETWEEN {from_block:UInt64} AND {to_block:UInt64}'
const FROM = `FROM {source:Identifier}.t WHERE ${RANGE}`
const usesOf = (text: string, parameters = ['from_block', 'to_block', 'source', 'own', 'dencun']) =>
  forkUses({
    transform: { file: 'a.sql', line: 1, text },
    parameters,
    params: [{ name: 'own', type: 'UInt8', value: '1' }],
  }).map(({ fork, use }) => `${fork} ${use}`)

test.each([
  [`SELECT a ${FROM} AND block_number >= {dencun:UInt64}`, 'from'],
  [`SELECT a ${FROM} AND block_number < {dencun:UInt64} AND b`, 'from'],
  [`SELECT block_number > {dencun:UInt64} AS is_later ${FROM}`, 'after'],
  [`SELECT a ${FROM} AND t.block_number <= {dencun:UInt64}`, 'after'],
  [`SELECT a ${FROM} AND {dencun:UInt64} <= block_number`, 'from'],
  [`SELECT a ${FROM} AND ({dencun:UInt64} < t.block_number)`, 'after'],
  [`SELECT a ${FROM} AND block_number BETWEEN {dencun:UInt64} AND 2000`, 'from'],
  [`SELECT a ${FROM} AND block_number NOT BETWEEN 10 AND {dencun:UInt64}`, 'after'],
  [
    `SELECT toUInt32(b) AS block_number, if(b >= {dencun:UInt64}, 1, 2) AS x FROM (SELECT t.block_number AS b ${FROM})`,
    'from',
  ],
  [
    `SELECT max(block_number) AS block_number, countIf(block_number < {dencun:UInt64}) ${FROM} GROUP BY a`,
    'from',
  ],
])('%s compares blocks with the fork', (text, use) => {
  expect(usesOf(text)).toEqual([`dencun ${use}`])
})

test.each([
  ['a difference', `SELECT block_number - {dencun:UInt64} AS age ${FROM}`],
  ['a number after it', `SELECT block_number >= {dencun:UInt64} + 1 AS x ${FROM}`],
  ['a number before the block', `SELECT 1 + block_number >= {dencun:UInt64} AS x ${FROM}`],
  ['equality', `SELECT block_number = {dencun:UInt64} AS x ${FROM}`],
  ['a value', `SELECT {dencun:UInt64} AS fork ${FROM}`],
  ['what stands in a string', `SELECT '( block_number AS slot' AS s ${FROM} AND slot >= {dencun:UInt64}`],
  ['another column', `SELECT a ${FROM} AND slot >= {dencun:UInt64}`],
  [
    'another column by the name of the block',
    `SELECT slot AS block_number ${FROM} AND block_number >= {dencun:UInt64}`,
  ],
  [
    'another column by the name of the block, without AS',
    `SELECT slot block_number ${FROM} AND block_number >= {dencun:UInt64}`,
  ],
  [
    'a sum by the name of the block, without AS',
    `SELECT block_number + 1000 \`block_number\`, block_number >= {dencun:UInt64} x ${FROM}`,
  ],
  ['a running sum', `SELECT sum(block_number >= {dencun:UInt64}) OVER (ORDER BY a) AS x ${FROM}`],
  ['the first row', `SELECT a ${FROM} ORDER BY block_number >= {dencun:UInt64}, a LIMIT 1`],
  [
    'a name for several columns',
    `SELECT slot AS b, a FROM (SELECT block_number AS b ${FROM}) WHERE b >= {dencun:UInt64}`,
  ],
  [
    'rows of other blocks',
    `SELECT a ${FROM} AND b IN (SELECT b FROM {source:Identifier}.u WHERE block_number >= {dencun:UInt64})`,
  ],
  [
    'all blocks but the range',
    `SELECT a FROM {source:Identifier}.t WHERE NOT ${RANGE.replace('BETWEEN', 'NOT BETWEEN')} AND block_number >= {dencun:UInt64}`,
  ],
])('%s may change every row', (_what, text) => {
  expect(usesOf(text)).toEqual(['dencun anyhow'])
})

test('each way of use is named once, parameters of other kinds never', () => {
  const text = `SELECT {own:UInt8}, block_number >= {dencun:UInt64}, block_number < {dencun:UInt64}, {dencun:UInt64} ${FROM}`
  expect(usesOf(text)).toEqual(['dencun from', 'dencun anyhow'])
  expect(usesOf(`SELECT {own:UInt8} ${FROM}`, ['from_block', 'to_block', 'source', 'own'])).toEqual([])
})

test('the shipped transforms compare blocks with forks and use them in no other way', async () => {
  const { tables } = await readCatalogue(SQL_FOLDER)
  const uses = tables.flatMap((table) =>
    forkUses(table).map(({ fork, use }) => `${table.key} ${fork} ${use}`),
  )
  expect(uses.toSorted()).toEqual([
    'post_6780_accounts_destructs dencun from',
    'pre_6780_accounts_destructs dencun from',
    'pre_6780_accounts_destructs spurious_dragon from',
  ])
})
