// Owns the promises of a test file's format: what a short row means, and what is said of one that is wrong.
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { chooseTables, readCatalogue } from '../../../src/project/sql-folder.ts'
import { parseTestCase, type UnitTest } from '../../../src/commands/test/test-case.ts'
import { BackfillError } from '../../../src/model/errors.ts'

const catalogue = await readCatalogue(fileURLToPath(new URL('../../../sql', import.meta.url)))

function parse(text: string, key = 'pre_6780_accounts_destructs'): UnitTest {
  const [table] = chooseTables(catalogue, [key])
  return parseTestCase({ name: `${key}/t`, file: 't.yaml', text, table: table! }, catalogue)
}

/** A right test file with one line changed. */
function changed(was: string, is: string): string {
  const text = RIGHT.replace(was, is)
  expect(text).not.toBe(RIGHT)
  return text
}

const RIGHT = `description: One self-destruct
range: 100-102
given:
  transaction:
    - { transaction_index: 3 }
  traces:
    - { transaction_index: 3, action_from: 0x10, action_value: 1, action_type: suicide }
expect:
  - { address: 0x10, block_number: 100 }
`

test('a row that names nothing is the first row of transaction 0 in the first block, which succeeded', () => {
  const { given } = parse(
    '{ description: d, range: 7-9, given: { transaction: [{}], traces: [{}, {}] }, expect: [] }',
  )
  const hash = `0x${'7'.padStart(32, '0')}${'0'.padStart(32, '0')}`
  const common = {
    meta_network_name: 'mainnet',
    block_number: '7',
    transaction_index: '0',
    transaction_hash: hash,
  }
  expect(given).toEqual(
    new Map([
      ['canonical_execution_transaction', [{ ...common, success: true }]],
      [
        'canonical_execution_traces',
        [
          { ...common, internal_index: '1' },
          { ...common, internal_index: '2' },
        ],
      ],
    ]),
  )
})

test('rows of one block and index have one hash in every table, also where a table has no transaction_index', () => {
  const text = `{ description: d, range: 1-9, expect: [], given: {
    transaction: [{ block_number: 5, transaction_index: 6 }], contracts: [{ block_number: 5, transaction_index: 6 }] } }`
  const [transactions, contracts] = [...parse(text, 'address_diffs').given.values()]
  expect(contracts![0]!['transaction_hash']).toBe(transactions![0]!['transaction_hash'])
  expect(contracts![0]).not.toHaveProperty('transaction_index')
})

test('numbers keep every digit, and hex in a text column stays text', () => {
  const most = (2n ** 256n - 1n).toString()
  const { given, expected } = parse(changed('action_value: 1,', `action_value: ${most},`))
  expect(given.get('canonical_execution_traces')![0]).toMatchObject({
    action_value: most,
    action_from: '0x10',
  })
  expect(expected).toEqual({
    columns: ['address', 'block_number'],
    rows: [{ address: '0x10', block_number: '100' }],
  })
})

test('null is null in a Nullable column only, and text where it is quoted', () => {
  const texts = ['null', '~', '"null"', "''"]
  const read = texts.map((to) => parse(changed('action_value: 1', `action_to: ${to}`)))
  const heirs = read.map(({ given }) => given.get('canonical_execution_traces')![0]!['action_to'])
  expect(heirs).toEqual([null, null, 'null', ''])
})

test('forks of the test replace those of the network', () => {
  const { network } = parse(changed('given:', 'network: sepolia\nforks: { dencun: 101 }\ngiven:'))
  expect(network).toMatchObject({ name: 'sepolia', forks: { spurious_dragon: 0, dencun: 101 } })
})

test('derived tables are given by their key', () => {
  const text =
    '{ description: d, range: 1, expect: [], given: { address_diffs: [{ address: 0xa, tx_count: 2 }] } }'
  expect(parse(text, 'accounts_alive').given).toEqual(
    new Map([['int_address_diffs', [{ block_number: '1', address: '0xa', tx_count: '2' }]]]),
  )
})

test.for<[was: string, is: string, message: string, hint: string]>([
  [
    'range: 100-102',
    'range: [100',
    't.yaml:3:1: is not valid YAML: flow sequence in block collection must be',
    'correct',
  ],
  ['range: 100-102', 'range: 1\nrange: 2', "t.yaml:3:1: the key 'range' stands twice", 'correct'],
  [
    'description: One',
    '---\na: 1\n---\ndescription: One',
    't.yaml:3:1: is not valid YAML: source contains multiple documents',
    'correct',
  ],
  [RIGHT, '', 't.yaml:1:1: expected a map of keys, found nothing', 'write description: …, network: …'],
  [
    'range: 100-102\n',
    '',
    "t.yaml:1:1: the test lacks 'range'",
    'a test has description, range, given, expect',
  ],
  ['range:', 'rnge:', "t.yaml:2:1: unknown key 'rnge'", "did you mean 'range'?"],
  [
    'description: One self-destruct',
    'description:',
    't.yaml:1:13: expected a sentence, found nothing',
    'write it',
  ],
  ['100-102', '102-100', "t.yaml:2:8: expected a range of blocks, found '102-100'", '100-102'],
  ['100-102', '0x64', "t.yaml:2:8: expected a range of blocks, found '0x64'", '100-102'],
  ['given:', 'network: mainet\ngiven:', "t.yaml:3:10: unknown network 'mainet'", "did you mean 'mainnet'?"],
  [
    'given:',
    'forks: { cancun: 5 }\ngiven:',
    "t.yaml:3:10: unknown key 'cancun'",
    'known keys: spurious_dragon, dencun',
  ],
  [
    'given:',
    'forks: { dencun: soon }\ngiven:',
    "t.yaml:3:18: expected a block number, found 'soon'",
    'first block',
  ],
  ['  traces:', '  trace:', "t.yaml:6:3: the transform reads no table 'trace'", "did you mean 'traces'?"],
  [
    '  traces:',
    '  contracts:',
    "t.yaml:6:3: the transform reads no table 'contracts'",
    'known tables: traces, transaction',
  ],
  [
    '    - { transaction_index: 3 }\n',
    '',
    't.yaml:4:15: expected a list of rows, found nothing',
    'or [] for none',
  ],
  ['- { transaction_index: 3 }', '- 3', "t.yaml:5:7: expected a row, found '3'", '{ column: value, … }'],
  ['action_from', 'acton_from', "t.yaml:7:31: unknown column 'acton_from'", "did you mean 'action_from'?"],
  ['address: 0x10', 'adress: 0x10', "t.yaml:9:7: unknown column 'adress'", "did you mean 'address'?"],
  [
    '- { transaction_index: 3 }',
    '- { transaction_index: three }',
    "t.yaml:5:28: 'transaction_index' is 'three', which is not a valid UInt64",
    'from 0 to 18446744073709551615',
  ],
  [
    'action_value: 1',
    'action_value: 1e18',
    "t.yaml:7:64: 'action_value' is '1e18', which is not a valid UInt256",
    'digits only',
  ],
  [
    'action_value: 1',
    `action_value: ${2n ** 256n}`,
    `t.yaml:7:64: 'action_value' is '${2n ** 256n}', which is not a valid UInt256`,
    'from 0 to',
  ],
  [
    'action_value: 1',
    'action_value: -1',
    "t.yaml:7:64: 'action_value' is '-1', which is not a valid UInt256",
    'from 0 to',
  ],
  [
    'action_from: 0x10',
    'action_from: null',
    "t.yaml:7:44: 'action_from' is 'null', which is not a valid String",
    'leave the column out',
  ],
  [
    'action_from: 0x10',
    'action_from: [1]',
    "t.yaml:7:44: 'action_from' is a list, which is not a valid String",
    'leave the column out',
  ],
  [
    '- { transaction_index: 3 }',
    '- { success: yes }',
    "t.yaml:5:18: 'success' is 'yes', which is not a valid Bool",
    'true or false',
  ],
  [
    '- { transaction_index: 3 }',
    '- { transaction_hash: 0xab }',
    "t.yaml:5:27: 'transaction_hash' is '0xab', which is not a valid FixedString",
    'write 66 bytes, not 4',
  ],
  [
    '- { transaction_index: 3 }',
    '- { updated_date_time: 2026 }',
    "t.yaml:5:28: 'updated_date_time' is '2026', which is not a valid DateTime",
    '23:59:59',
  ],
  [
    'block_number: 100 }',
    'block_number: 100 }\n  - { address: 0x11 }',
    "t.yaml:10:5: the row lacks 'block_number', which another row has",
    'same columns',
  ],
])('of %j as %j it says where, what and what is right', ([was, is, message, hint]) => {
  let error: unknown
  try {
    parse(changed(was, is))
  } catch (thrown) {
    error = thrown
  }
  expect(error).toBeInstanceOf(BackfillError)
  expect((error as BackfillError).message).toContain(message)
  expect((error as BackfillError).hint).toContain(hint)
})

test('a source without a file in sql/source is named, because its columns are not known', () => {
  const sources = catalogue.sources.filter(({ table }) => !table.endsWith('_traces'))
  const [table] = chooseTables(catalogue, ['pre_6780_accounts_destructs'])
  const file = { name: 'a/t', file: 't.yaml', text: RIGHT, table: table! }
  expect(() => parseTestCase(file, { ...catalogue, sources })).toThrow(
    't.yaml:4:3: nothing defines which columns canonical_execution_traces has',
  )
})
