// Owns which reads of a per-block table are bounded by its range.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { folderOf } from '../../support/check-fixtures.ts'
import { backfillInside } from '../../support/inside.ts'

const HEAD = (lines: string) => `--! description: Gas\n--! target: int_gas\n--! rows: per-block\n${lines}\n\n`
const SOURCE = '{source:Identifier}.canonical_execution_transaction FINAL'
const NETWORK = 'meta_network_name = {network:String}'
const OUT = 'toUInt32(b) AS block_number, toUInt64(g) AS gas_used'

async function found(
  select: string,
  lines = '--! sources: canonical_execution_transaction',
  rules = /[EW]03\d/g,
) {
  const folder = folderOf()
  writeFileSync(join(folder, 'transforms/gas.sql'), HEAD(lines) + select)
  const { stdout } = await backfillInside(['check', 'gas', '--offline', '--sql', folder])
  return stdout.match(rules) ?? []
}

test.each([
  `SELECT ${OUT} FROM (SELECT block_number AS b, gas_used AS g FROM ${SOURCE} WHERE ${NETWORK}) WHERE b BETWEEN {from:UInt64} AND {to:UInt64}`,
  `SELECT ${OUT} FROM (SELECT block_number AS b, sum(gas_used) OVER (ORDER BY block_number) AS g FROM ${SOURCE} WHERE ${NETWORK} AND block_number <= {to:UInt64}) WHERE b >= {from:UInt64}`,
])('a source that is not bounded on both sides in its own SELECT is a warning: %s', async (select) => {
  expect(await found(select)).toEqual(['W037'])
})

test.each([
  `SELECT * EXCEPT (block_number, gas_used), ${OUT} FROM (SELECT * EXCEPT (success), block_number AS b, gas_used AS g FROM ${SOURCE} WHERE ${NETWORK} AND block_number BETWEEN {from:UInt64} AND {to:UInt64})`,
  `WITH {from:UInt64} AS lo, toUInt32({to:UInt64}) AS hi SELECT ${OUT} FROM (SELECT block_number AS b, gas_used AS g FROM ${SOURCE} WHERE ${NETWORK} AND block_number >= lo AND block_number <= hi)`,
])('bounds are found behind a list of columns that are left out, and by their names: %s', async (select) => {
  expect(await found(select)).toEqual([])
})

test('a sequential table may read what comes before, and a look-up is read whole', async () => {
  const before = `SELECT ${OUT} FROM (SELECT block_number AS b, sum(gas_used) OVER (ORDER BY block_number) AS g FROM ${SOURCE} WHERE ${NETWORK} AND block_number <= {to:UInt64}) WHERE b >= {from:UInt64}`
  expect(await found(before, '--! sources: canonical_execution_transaction\n--! order: sequential')).toEqual(
    [],
  )
})

const select = (of: string) =>
  `SELECT ${OUT} FROM (SELECT block_number AS b, ${of} AS g FROM ${SOURCE} WHERE ${NETWORK} AND block_number BETWEEN {from:UInt64} AND {to:UInt64})`

test('a dictionary that a function reads by its name is a warning, unless the header calls it a look-up', async () => {
  const sources = '--! sources: canonical_execution_transaction'
  for (const of of [
    "dictGet('d.labels', 'n', block_number)",
    "dictGetOrDefault(d.labels, 'n', gas_used, 0)",
    "joinGet('labels', 'n', 1)",
  ])
    expect(await found(select(of), sources, /W047/g)).toEqual(['W047'])
  const whole = /W047 .*reads '.*' by \w+/g
  expect(await found(select('joinGet(d.labels, 1)'), sources, whole)).toEqual([
    expect.stringContaining("reads 'd.labels' by joinGet"),
  ])
  const named = `${sources}\n--! lookup: labels`
  expect(await found(select("dictGet(d.labels, 'n', block_number)"), named, /W047/g)).toEqual([])
  expect(await found(select("dictGet('d.labels', 'n', block_number)"), named, /W047/g)).toEqual([])
  expect(await found(select('gas_used'), sources, /W047/g)).toEqual([])
})

test('a file that is written to be slow is checked all the same: eight thousand conditions, five thousand names', async () => {
  const conditions = Array.from({ length: 8_000 }, () => 'block_number <= {to:UInt64} - 1').join(' AND ')
  const names = Array.from({ length: 5_000 }, (_, index) => `gas_used + ${index} AS c${index}`).join(', ')
  const slow = select('gas_used').replace(' AS g FROM', ` AS g, ${names} FROM`)
  expect(await found(`${slow.slice(0, -1)} AND ${conditions})`, undefined, /W0[38]\d/g)).toContain('W083')
})
