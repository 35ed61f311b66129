// Owns the promises of the argv reader: no word is cast, dropped or guessed.
import { expect, test } from 'vitest'
import {
  blockCount,
  blockNumber,
  names,
  nonEmpty,
  positiveCount,
  readFlag,
  type Flags,
} from '../../src/workspace/values.ts'
import { type Flag, readFlags } from '../../src/terminal/argv.ts'
import { readCommandLine } from '../../src/cli/command-line.ts'

const FLAGS: readonly Flag[] = [
  { name: 'from', value: '<block>', about: '' },
  { name: 'tables', value: '<a,b>', about: '' },
  { name: 'json', about: '' },
]

const read = (...argv: readonly string[]) => readFlags(argv, 'up', FLAGS)

const namesIn = (text: string) => names({ text, place: '--tables' })

const messageOf = (...argv: readonly string[]) => {
  const invocation = readCommandLine(argv)
  return invocation.kind === 'command' ? sqlVersionsOf(invocation.flags) : undefined
}

const sqlVersionsOf = (words: Flags) => Object.fromEntries([...words].map(([name, { text }]) => [name, text]))

test('a value may follow its flag or an equals sign, and stays as it was typed', () => {
  expect(sqlVersionsOf(read('--from', '007', '--tables=a=b', '--json'))).toEqual({
    from: '007',
    tables: 'a=b',
    json: '',
  })
})

test('a list may be typed in parts, with the flag or without, and counts as one list', () => {
  expect(messageOf('up', '--sql', 'xatu', '--sql=./sql')).toEqual({ sql: 'xatu,./sql' })
  expect(messageOf('up', 'a', '--tables', 'b,c', 'd')).toEqual({ tables: 'a,b,c,d' })
  expect(messageOf('plan', '--network', 'a', '--network', 'b')).toMatchObject({ network: 'a,b' })
  expect(messageOf('import', '--tables', 'traces', '--tables', 'logs')).toEqual({ tables: 'traces,logs' })
  expect(messageOf('up', '--settings', 'priority=1', '--settings', 'max_threads=4')).toEqual({
    settings: 'priority=1,max_threads=4',
  })
})

test('an empty part of a list is refused, as an empty list is', () => {
  for (const argv of [
    ['--tables', 'a', '--tables', ''],
    ['--tables', '', '--tables', 'a'],
  ])
    expect(() => readFlag(read(...argv), 'tables', names)).toThrow(
      '--tables must be names separated by commas',
    )
})

test.each([
  [['--nope'], 'unknown flag --nope for `up`'],
  [['--fro', '1'], 'unknown flag --fro for `up`'],
  [['--password=secret'], 'unknown flag --password for `up`'],
  [['---from', '1'], 'unknown flag ---from for `up`'],
  [['--from.x', '1'], 'unknown flag --from.x for `up`'],
  [['--__proto__', '1'], 'unknown flag --__proto__ for `up`'],
  [['-x'], 'unknown flag -x for `up`'],
  [['--'], 'unknown flag -- for `up`'],
  [['--from'], '--from needs a value: --from <block>'],
  [['--from', '--json'], '--from needs a value: --from <block>'],
  [['--from', '1', '--from=2'], "--from is given twice: '1' and '2'"],
  [['--json=false'], "--json takes no value, got 'false'"],
])('%j is refused: %s', (argv, message) => {
  expect(() => read(...argv)).toThrow(expect.objectContaining({ message, kind: 'usage' }))
})

test.each([
  '',
  ' ',
  '-5',
  '1.5',
  '1e3',
  '007',
  '0x10',
  '1_0000',
  '1,00',
  '_100',
  '0_000',
  '+5',
  '9007199254740993',
  '4294967296',
  'head',
  ' 5',
  '5\n',
  '٥',
])('a block number is not %j', (text) => {
  const message = expect.stringMatching(/^--from must be a block number/)
  expect(() => readFlag(read(`--from=${text}`), 'from', blockNumber)).toThrow(
    expect.objectContaining({ message, kind: 'usage' }),
  )
  expect(() => readFlag(read(`--from=${text}`), 'from', blockNumber)).toThrow(`, got '${text}'`)
})

test('a block number is a decimal number that the tables can hold', () => {
  const texts = ['0', '19426587', '17_000_000', '17,000,000', '1_000', '4294967295']
  const blocks = texts.map((text) => blockNumber({ text, place: '--from' }))
  expect(blocks).toEqual([0, 19_426_587, 17_000_000, 17_000_000, 1000, 4_294_967_295])
})

test('a lag may be 0, a number of jobs may not', () => {
  expect(blockCount({ text: '0', place: '--lag' })).toBe(0)
  expect(() => positiveCount({ text: '0', place: '--jobs' })).toThrow(
    "--jobs must be a whole number from 1, got '0'",
  )
})

test('names are split at commas, each counted once, none of them empty', () => {
  expect(namesIn('b, a,b')).toEqual(['b', 'a'])
  for (const text of ['', ',', 'a,,b', 'a, ']) expect(() => namesIn(text)).toThrow(`got '${text}'`)
})

test('a name is never empty', () => {
  expect(() => nonEmpty({ text: ' ', place: '--network' })).toThrow("--network must not be empty, got ' '")
})

test('the command is the first word that is no flag, wherever its flags stand', () => {
  expect(readCommandLine(['--json', 'status'])).toMatchObject({ kind: 'command', entry: { name: 'status' } })
  expect(messageOf('--json', 'status', '--lag', '0')).toEqual({ json: '', lag: '0' })
})

test('`run` is `up` in the words of the Python scripts, and a wrong value is called by the flag that was typed', () => {
  const typed = ['run', '--all', '--start-block', '5', '--end-block=9', '--step-size', '0', '--create-tables']
  expect(messageOf(...typed)).toEqual({ all: '', from: '5', to: '9', chunk: '0', 'create-tables': '' })
  expect(messageOf('run', '--all')).toEqual({ all: '' })
  const invocation = readCommandLine(typed)
  if (invocation.kind !== 'command') throw new Error('no command')
  expect(() => readFlag(invocation.flags, 'chunk', positiveCount)).toThrow(
    "--step-size must be a whole number from 1, got '0'",
  )
  expect(() => readCommandLine(['run'])).toThrow('`run` needs --tables a,b or --all')
})

test('`plan` is `up --dry-run`, `demo` is bound to the embedded server', () => {
  expect(messageOf('plan')).toEqual({ 'dry-run': '' })
  expect(messageOf('demo')).toEqual({ network: 'demo', lag: '0', embedded: '' })
})

test.each([
  [[], 'no command given', '`backfill --help` lists the commands'],
  [['--json'], 'no command given', '`backfill --help` lists the commands'],
  [['stats'], "unknown command 'stats'", "did you mean 'status'? `backfill --help` lists the commands"],
  [['zzz', '--help'], "unknown command 'zzz'", '`backfill --help` lists the commands'],
  [['info', '12'], "unexpected word '12' after `info`", '`backfill info --help` shows its flags'],
  [['demo', 'up'], "unexpected word 'up' after `demo`", '`backfill demo --help` shows its flags'],
])('%j is no command line', (argv, message, hint) => {
  expect(() => readCommandLine(argv)).toThrow(expect.objectContaining({ message, hint, kind: 'usage' }))
})
