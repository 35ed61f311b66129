import { XATU_COLUMNS } from '../../src/model/model.ts'
import { expect, test } from 'vitest'
import { BackfillError, refuse } from '../../src/model/errors.ts'
import { ddlHeader, readHeader, throwHeaderError, sourceHeader } from '../../src/project/header.ts'
import { PINNED_SETTING_NAMES } from '../../src/sql-syntax/settings.ts'

const REQUIRED = { description: 'What it holds', target: 'int_a', sources: 'logs', rows: 'per-block' }

const text = (lines: Readonly<Record<string, string | undefined>>) =>
  Object.entries({ ...REQUIRED, ...lines })
    .filter(([, value]) => value !== undefined)
    .map(([key, value]) => `--! ${key}: ${value}\n`)
    .join('') + '\nSELECT 1'
const transformHeader = (file: string, sql: string) => readHeader(file, sql, refuse).header
const header = (lines: Readonly<Record<string, string | undefined>> = {}) =>
  transformHeader('a.sql', text(lines))

function refusal(run: () => unknown): string {
  try {
    run()
  } catch (error) {
    if (error instanceof BackfillError && error.kind === 'usage')
      return `${error.message} | ${error.hint ?? ''}`
    throw error
  }
  throw new Error('nothing was refused')
}

test('the required keys alone make a header, everything else has its default', () => {
  expect(header()).toEqual({
    description: 'What it holds',
    target: 'int_a',
    sources: ['logs'],
    after: [],
    history: [],
    lookups: [],
    volatile: [],
    tags: [],
    blocks: { from: undefined, to: undefined },
    chunk: undefined,
    settings: {},
    params: [],
    rows: { kind: 'per-block' },
    outside: [],
  })
})

test('every key is read', () => {
  expect(
    header({
      description: 'Colons: kept; so is -- this',
      sources: 'logs, traces',
      after: 'a,b_2 (all before), itself',
      order: 'sequential',
      lookup: 'dim_node',
      position: 'toUnixTimestamp(slot_time)',
      volatile: 'id, made_at',
      tags: 'state, by-node',
      blocks: 'dencun+1 .. 20000000',
      chunk: '5000',
      fresh: '30m',
      settings: "max_threads = 4, join_algorithm = 'grace_hash,hash'",
      params: "min UInt64 = 1, pair Array(UInt8) = [1, 2], d Decimal(10, 2) = -1.5, name String = 'it''s'",
      rows: 'per-key latest block_number',
      outside: 'url, File',
    }),
  ).toEqual({
    description: 'Colons: kept; so is -- this',
    target: 'int_a',
    sources: ['logs', 'traces'],
    after: ['a', 'b_2'],
    history: ['b_2'],
    sequential: 'itself',
    lookups: ['dim_node'],
    position: 'toUnixTimestamp(slot_time)',
    volatile: ['id', 'made_at'],
    tags: ['state', 'by-node'],
    blocks: { from: { fork: 'dencun', offset: 1 }, to: { fork: undefined, offset: 20000000 } },
    chunk: 5000,
    fresh: 1800,
    settings: { max_threads: '4', join_algorithm: 'grace_hash,hash' },
    params: [
      { name: 'min', type: 'UInt64', value: '1' },
      { name: 'pair', type: 'Array(UInt8)', value: '[1, 2]' },
      { name: 'd', type: 'Decimal(10, 2)', value: '-1.5' },
      { name: 'name', type: 'String', value: String.raw`it\'s` },
    ],
    rows: { kind: 'per-key', keep: 'latest', column: 'block_number' },
    outside: ['url', 'File'],
  })
})

test.for([
  ['..dencun-1', { from: undefined, to: { fork: 'dencun', offset: -1 } }],
  ['dencun..', { from: { fork: 'dencun', offset: 0 }, to: undefined }],
  ['0..0', { from: { fork: undefined, offset: 0 }, to: { fork: undefined, offset: 0 } }],
  ['dencun-0..', { from: { fork: 'dencun', offset: 0 }, to: undefined }],
  ['1970-01-02..', { from: { fork: undefined, offset: 86400, time: '1970-01-02' }, to: undefined }],
] as const)('blocks may be %s', ([blocks, limits]) => {
  expect(header({ blocks }).blocks).toEqual(limits)
})

test.for<[string, string, RegExp]>([
  ['blocks', '..', /a\.sql:5: blocks: '\.\.' is not a range of blocks \| write/],
  ['blocks', '5', /'5' is not a range/],
  ['blocks', '1..2..3', /not a range/],
  ['blocks', '-5..', /not a range/],
  ['blocks', '007..', /not a range/],
  ['blocks', '9007199254740993..', /not a range/],
  ['blocks', 'Dencun..', /not a range/],
  ['blocks', '..2024-02-30', /a\.sql:5: blocks: '\.\.2024-02-30' is not a range/],
  ['blocks', '1969-01-01..', /not a range/],
  ['blocks', '..9999-12-31', /not a range/],
  ['blocks', '..dencun-99999999999', /a\.sql:5: blocks: '\.\.dencun-99999999999' is not a range/],
  ['blocks', '10..9', /ends before it begins/],
  ['blocks', 'dencun..dencun-1', /ends before it begins/],
  ['fresh', '30', /a\.sql:5: fresh: '30' is not a time \| write a time such as 90s, 30m or 2h/],
  ['fresh', '0m', /'0m' is not a time/],
  [
    'after',
    'itself',
    /a\.sql:5: after: itself: the rows before a range must be there .*--! order: sequential/,
  ],
  ['order', 'newest', /'newest' is not a order|write one of sequential/],
  ['chunk', '0', /a\.sql:5: chunk: '0' is not a whole number above 0/],
  ['chunk', '1e3', /'1e3' is not/],
  ['chunk', '-1', /'-1' is not/],
  ['chunk', '1.5', /'1.5' is not/],
  ['target', 'mainnet.int_a', /a\.sql:2: target: 'mainnet\.int_a' is not a plain name/],
  ['target', 'Int', /not a plain name/],
  ['sources', 'logs,', /'' is not a plain name/],
  ['sources', 'logs, logs', /'logs' is named twice/],
  ['after', '`a`', /not a plain name/],
  ['settings', 'max_threads', /'max_threads' sets nothing/],
  ['settings', 'max_threads =', /sets nothing/],
  ['settings', 'max_threads = 1,', /'' sets nothing/],
  ['settings', 'a = 1, a = 2', /'a' is set twice/],
  ['settings', 'a UInt8 = 1', /'a UInt8' is not the name of a setting/],
  ['settings', "format_template_row = '/etc/passwd'", /the setting format_template_row reaches outside/],
  ['settings', "a = 'open", /a\.sql:5.*never closed/],
  ['params', 'min = 1', /'min' has no type/],
  ['params', 'min UInt64', /sets nothing/],
  ['position', "'1'", /a\.sql:5: position: ''1'' names no column/],
  ['position', 'now()', /names no column/],
  ['params', 'f Identifier = file', /'f' is an Identifier: no check would see the name/],
  ['params', 'Min UInt64 = 1', /'Min' is not a plain name/],
  ['rows', 'per-bock', /a\.sql:4: rows: 'per-bock' is not a kind of rows/],
  ['rows', 'per-key', /not a kind of rows/],
  ['rows', 'per-key newest x', /not a kind of rows/],
  ['chunks', '5', /a\.sql:5: unknown key 'chunks' \| did you mean 'chunk'\?/],
  ['written', 'none', /a\.sql:5: unknown key 'written' \| write it into sql\/source\/<table>\.sql$/],
  ['description', '', /a\.sql:1: '--! description:' is not a header line/],
])('%s: %s is refused with place and hint', ([key, value, message]) => {
  expect(refusal(() => header({ [key]: value }))).toMatch(message)
})

test.for(['description', 'target', 'sources', 'rows'])('a header without %s is refused', (key) => {
  expect(refusal(() => header({ [key]: undefined }))).toContain(
    `a.sql:1: the header lacks '${key}' | add a line --! ${key}:`,
  )
})

test('a table may read derived tables only', () => {
  expect(header({ sources: undefined, after: 'a' }).after).toEqual(['a'])
})

test.for(PINNED_SETTING_NAMES)('a header may not set %s', (name) => {
  expect(refusal(() => header({ settings: `max_threads = 1, ${name} = 1` }))).toContain(
    `'${name}' may not be changed`,
  )
})

test('a key that is given twice is refused with both lines', () => {
  expect(refusal(() => transformHeader('a.sql', `--! target: b\n${text({})}`))).toMatch(
    /a\.sql:3: 'target'.*twice \| see a\.sql:1/,
  )
})

test('a header line behind the beginning of the SQL is refused', () => {
  expect(refusal(() => transformHeader('a.sql', `${text({})}\n--! chunk: 5`))).toMatch(
    /a\.sql:7: a '--!' line behind/,
  )
})

test('header lines in strings and block comments are none', () => {
  expect(
    transformHeader('a.sql', `/*\n--! chunk: 5\n*/\n${text({})} AS x, '\n--! chunk: 5'`).chunk,
  ).toBeUndefined()
})

test('Windows line ends and a byte order mark are no part of a value', () => {
  expect(transformHeader('a.sql', `\ufeff${text({}).replaceAll('\n', '\r\n')}`).rows).toEqual({
    kind: 'per-block',
  })
})

test.each([
  ['block_number -- BETWEEN', '-- BETWEEN'],
  ['block_number /* x */', '/* x */'],
  ['(SELECT max(number) FROM numbers(9))', 'SELECT'],
  ['{from:UInt64}', '{'],
  ["file('/etc/passwd')", 'the function file reaches outside'],
  ["length(url('http://x'))", 'the function url reaches outside'],
  ['block_number)', 'is not an expression'],
  ['1; DROP TABLE t', 'is not an expression'],
])('the position or shard `%s` is refused: it would become part of a statement', (position, sentence) => {
  expect(() => sourceHeader('s.sql', `--! position: ${position}\nCREATE TABLE a (b Int8)`)).toThrow(sentence)
  expect(() => ddlHeader('d.sql', `--! shard: ${position}\nCREATE TABLE a (b Int8)`, refuse)).toThrow(
    sentence,
  )
})

test('a source says its block coverage, and is common without a word', () => {
  const usual = { outside: [], safeView: false, unit: 'block', columns: XATU_COLUMNS }
  expect(sourceHeader('s.sql', '--! block-coverage: sparse\nCREATE TABLE a (b Int8)')).toEqual({
    ...usual,
    blockCoverage: 'sparse',
  })
  expect(sourceHeader('s.sql', '--! view: safe\nCREATE TABLE a (b Int8)').safeView).toBe(true)
  expect(sourceHeader('s.sql', 'CREATE TABLE a (b Int8)')).toEqual({ ...usual, blockCoverage: 'most-blocks' })
  const other =
    '--! position: toUnixTimestamp(at)\n--! network: none\n--! written: none\n--! lag: 5m\n--! gap: 2h\n'
  expect(sourceHeader('s.sql', `${other}CREATE TABLE a (b Int8)`)).toMatchObject({
    unit: 'second',
    columns: { position: 'toUnixTimestamp(at)', network: undefined, written: undefined },
    lag: 300,
    gap: 7200,
  })
  expect(sourceHeader('s.sql', '--! lag: 0s\nCREATE TABLE a (b Int8)').lag).toBe(0)
  expect(refusal(() => sourceHeader('s.sql', '--! gap: 0s\n'))).toContain(
    "gap: '0s' is not a whole number above 0",
  )
  expect(refusal(() => sourceHeader('s.sql', '--! block-coverage: thin\n'))).toContain(
    "s.sql:1: block-coverage: 'thin' is not a block coverage",
  )
  expect(refusal(() => sourceHeader('s.sql', '--! chunk: 5\n'))).toContain("unknown key 'chunk'")
})

test('where no header is meant, any header line is refused', () => {
  expect(refusal(() => throwHeaderError('d.sql', '-- fine\n--! target: a\nCREATE'))).toContain(
    "d.sql:2: unknown key 'target'",
  )
  expect(() => throwHeaderError('d.sql', "-- fine\nSELECT '--!'")).not.toThrow()
})
