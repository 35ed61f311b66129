// Owns the promise that a written test reads back as itself.
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { chooseTables, readCatalogue } from '../../../src/project/sql-folder.ts'
import { parseTestCase } from '../../../src/commands/test/test-case.ts'
import { expectedRows } from '../../../src/commands/test/rows.ts'
import { parseYaml } from '../../../src/commands/test/yaml-tree.ts'
import { testText } from '../../../src/commands/test/new-test.ts'
import { JsonText } from '../../../src/commands/test/rows.ts'
import type { UnitTest } from '../../../src/commands/test/test-case.ts'

const catalogue = await readCatalogue(fileURLToPath(new URL('../../../sql', import.meta.url)))

function parse(text: string, key = 'pre_6780_accounts_destructs'): UnitTest {
  const [table] = chooseTables(catalogue, [key])
  return parseTestCase({ name: `${key}/t`, file: 't.yaml', text, table: table! }, catalogue)
}

test('a written test reads back as the same test, whatever its texts look like', () => {
  const texts = [
    '',
    'null',
    '~',
    '0x10',
    'a: b',
    '- x',
    '#',
    "it's",
    '"',
    '\\',
    'ä\n\t',
    '{',
    '&a',
    '*a',
    '---',
    ' x ',
    'a\u202eb\u2028\u{e0001}\u007f',
  ]
  const origin = parse(
    '{ description: "a: b", range: 5-6, given: { traces: [], transaction: [{ success: false }, {}] }, expect: [] }',
  )
  const hash = origin.given.get('canonical_execution_transaction')![0]!['transaction_hash']!
  const traces = texts.map((text, index) => ({
    meta_network_name: 'mainnet',
    block_number: '6',
    transaction_index: '0',
    transaction_hash: hash,
    internal_index: String(index + 1),
    action_from: text,
    action_to: index % 2 === 0 ? text : null,
    action_value: String(2n ** 256n - 1n),
  }))
  const expected = { columns: ['address'], rows: texts.map((address) => ({ address })) }
  const given = new Map(origin.given).set('canonical_execution_traces', traces)
  const written = testText({ ...origin, given, expected }, catalogue)
  expect(written).not.toMatch(/[\p{Cf}\p{Zl}\u007f]/u) // they would turn what a reviewer reads
  const again = parse(written)
  expect(again.expected).toEqual(expected)
  expect(again.given.get('canonical_execution_transaction')).toEqual(
    origin.given.get('canonical_execution_transaction'),
  )
  expect(again.given.get('canonical_execution_traces')).toEqual(traces)
})

test('maps, tuples and lists are written as YAML, and read again by their types', () => {
  const columns = [
    { name: 'm', type: 'Map(String, UInt64)', defaultKind: '' },
    { name: 't', type: 'Tuple(lo UInt64, hi Array(Nullable(String)))', defaultKind: '' },
    { name: 'pair', type: 'Tuple(UInt8, String)', defaultKind: '' },
  ] as const
  const rows = [{ m: { 'a b': '1', '': '2' }, t: { lo: '3', hi: ['x', null] }, pair: ['4', '- y'] }]
  const origin = parse('{ description: d, range: 5-6, given: {}, expect: [] }')
  const text = testText({ ...origin, expected: { columns: [], rows } }, catalogue)
  const expectation = parseYaml('t.yaml', text.slice(text.indexOf('expect:')))
  const list = expectation.kind === 'map' ? expectation.entries[0]!.value : expectation
  expect(expectedRows(list, columns).rows).toEqual(rows)
  expect(() => expectedRows(parseYaml('t.yaml', '[{ pair: [1] }]'), columns)).toThrow(
    "'pair' is not a valid Tuple",
  )
})

test('JSON is read from JSON in quotes and from YAML that looks like it; other text in quotes is refused', () => {
  const columns = [
    { name: 'j', type: 'JSON(a UInt8)', defaultKind: '' },
    { name: 'm', type: 'Map(String, Dynamic)', defaultKind: '' },
  ] as const
  const read = (text: string) =>
    expectedRows(parseYaml('t.yaml', `[${text}]`), columns).rows.map(Object.values)
  const typed = `{ j: { a: 1, 'b"': ["1", x, 18446744073709551615, null] }, m: '{"k": 1.0}' }`
  expect(read(typed)).toEqual([
    [new JsonText('{"a":1,"b\\"":["1","x",18446744073709551615,null]}'), new JsonText('{"k": 1.0}')],
  ])
  expect(() => read(`{ m: 'k' }`)).toThrow("t.yaml:1:7: 'm' is 'k', which is not valid JSON for Map")
})
