// Owns which reads count rows of other networks, or a row twice that was written again.
import { expect, test } from 'vitest'
import { lintRowsCounted } from '../../../src/commands/check/rows-counted.ts'
import type { Catalogue } from '../../../src/model/model.ts'

const ddl = (engine: string) => ({
  file: 's.sql',
  text: `CREATE TABLE {source:Identifier}.s (block_number UInt64, gas UInt64) ENGINE = ${engine} ORDER BY block_number`,
  line: 1,
})
const source = {
  table: 's',
  ddl: ddl('ReplicatedReplacingMergeTree'),
  columns: { position: 'block_number', network: 'meta_network_name' },
}
const found = (text: string, sources: readonly object[] = [source], tables: readonly object[] = []) =>
  [...lintRowsCounted({ file: 't.sql', text, line: 1 }, { sources, tables } as unknown as Catalogue)].map(
    ({ finding }) => finding?.rule,
  )

const S = '{source:Identifier}.s'
const N = 'meta_network_name = {network:String}'

test.each([
  `SELECT block_number, sum(gas) AS gas FROM ${S} WHERE ${N} GROUP BY block_number`,
  `SELECT block_number, count() FROM ${S} AS a WHERE ${N} GROUP BY block_number ORDER BY block_number`,
  `SELECT * FROM (SELECT block_number FROM ${S} WHERE ${N})`,
  `SELECT block_number, sum(gas) AS gas, max(nonce) AS n FROM ${S} WHERE ${N} GROUP BY block_number`,
  `SELECT block_number, argMax(gas, at) AS gas, countIf(gas > 1) AS n FROM ${S} WHERE ${N} GROUP BY block_number`,
])('rows that were written again count twice without FINAL: %s', (text) => {
  expect(found(text)).toEqual(['W087'])
})

test.each([
  `SELECT block_number, sum(gas) AS gas FROM ${S} FINAL WHERE ${N} GROUP BY block_number`,
  `SELECT block_number, sum(gas) AS gas FROM ${S} AS a FINAL WHERE ${N} GROUP BY block_number`,
  `SELECT block_number, sum(gas) AS gas FROM ${S} WHERE ${N} GROUP BY block_number SETTINGS final = 1`,
  `SELECT block_number, argMax(gas, at) AS gas FROM ${S} WHERE ${N} GROUP BY block_number`,
  `SELECT block_number, count(DISTINCT hash) AS n, max(gas) AS gas FROM ${S} WHERE ${N} GROUP BY block_number`,
  `SELECT DISTINCT block_number, gas FROM ${S} WHERE ${N}`,
  `SELECT block_number, gas FROM ${S} WHERE ${N} ORDER BY at DESC LIMIT 1 BY block_number`,
])('they do not with FINAL, or where one of them is taken: %s', (text) => {
  expect(found(text)).toEqual([])
})

test('a source whose engine keeps every row needs no FINAL, nor does a derived table with rows per block', () => {
  const text = `SELECT block_number, sum(gas) AS gas FROM ${S} WHERE ${N} GROUP BY block_number`
  expect(found(text, [{ ...source, ddl: ddl('MergeTree') }])).toEqual([])
  const derived = 'SELECT block_number, gas FROM {target:Identifier}.int_a'
  const a = { target: 'int_a', ddl: ddl('ReplacingMergeTree') }
  expect(found(derived, [], [{ ...a, rows: { kind: 'per-block' } }])).toEqual([])
  expect(found(derived, [], [{ ...a, rows: { kind: 'per-key' } }])).toEqual(['W087'])
})

const inside = (where: string) =>
  `SELECT * FROM ${S} FINAL WHERE ${N} AND block_number IN (SELECT block_number FROM ${S} FINAL WHERE ${where})`

test('a second read of a source without the network counts rows of all networks', () => {
  expect(found(inside('gas > 1'))).toEqual(['W086'])
  expect(found(inside(`gas > 1 AND ${N}`))).toEqual([])
  const joined = `SELECT * FROM ${S} AS a FINAL JOIN ${S} AS b FINAL USING (meta_network_name, block_number) WHERE a.${N}`
  expect(found(joined)).toEqual([])
  const ofOne = { ...source, columns: { position: 'block_number' } }
  expect(found(inside('gas > 1'), [ofOne])).toEqual([])
})
