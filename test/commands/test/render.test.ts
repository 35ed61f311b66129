import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { junit, renderTestResults } from '../../../src/commands/test/render.ts'
import { chooseTables, readCatalogue } from '../../../src/project/sql-folder.ts'
import { parseTestCase } from '../../../src/commands/test/test-case.ts'
import type { UnitTestResult, Values } from '../../../src/commands/test/bench.ts'
import pc from 'picocolors'

const mark = (letter: string) => (text: string) =>
  `<${letter} ${text.trimEnd()}>${' '.repeat(text.length - text.trimEnd().length)}`
const colors = {
  ...Object.fromEntries(['bold', 'dim', 'yellow', 'cyan'].map((name) => [name, String])),
  red: mark('r'),
  green: mark('g'),
}

const catalogue = await readCatalogue(fileURLToPath(new URL('../../../sql', import.meta.url)))
const [table] = chooseTables(catalogue, ['address_diffs'])
const unitTest = parseTestCase(
  {
    name: 'address_diffs/one',
    file: 'one.yaml',
    table: table!,
    text: `{ description: Some promise, range: 1, given: {}, expect: [{ address: 0xa, block_number: 1, tx_count: 1 }] }`,
  },
  catalogue,
)

function result(missing: readonly Values[], unexpected: readonly Values[], error?: string): UnitTestResult {
  return { test: unitTest, passed: false, elapsedMs: 1, error, diff: { missing, unexpected, same: 2 } }
}

test('a row found stands below the expected row that it is most like, and only what differs is coloured', () => {
  const lines = renderTestResults(
    [
      result(
        [
          ['0xa', 1, 5],
          ['0xb', 1, 1],
        ],
        [
          ['0xc', 2, 7],
          ['0xb', 1, 2],
          ['0xa', 1, 6],
        ],
      ),
    ],
    1200,
    colors as never,
  )
  expect(lines.slice(3)).toEqual([
    '<r FAILED> address_diffs/one  one.yaml',
    '  Some promise',
    '  - expected, 2 rows missing; + found, 3 rows too many; 2 rows as expected',
    '     address  block_number  tx_count',
    '  -  0xa      1             <r 5>',
    '  +  0xa      1             <g 6>',
    '  -  0xb      1             <r 1>',
    '  +  0xb      1             <g 2>',
    '  +  <g 0xc>      <g 2>             <g 7>',
    '',
    '1 test: <r 1 failed>, 0 passed in 1.2 s',
  ])
})

test('an error stands in place of the diff', () => {
  const lines = renderTestResults([result([], [], 'no such column')], 1, colors as never)
  expect(lines).toContain('  <r no such column>')
  expect(lines.join('\n')).not.toContain('expected,')
})

test('JUnit: a suite for each table, the diff in `failure`, and no character that XML does not know', () => {
  const failed = result([], [], 'a "<diff>" & \u0007\ufffe\ud800')
  const lines = junit([failed, { ...failed, passed: true }], 1500, pc.createColors(false))
  expect(lines).toEqual([
    '<?xml version="1.0" encoding="UTF-8"?>',
    '<testsuites name="backfill test" tests="2" failures="1" time="1.5">',
    '  <testsuite name="address_diffs" tests="2" failures="1">',
    '    <testcase name="address_diffs/one" classname="address_diffs" file="one.yaml" time="0.001">',
    '      <failure message="Some promise">FAILED address_diffs/one  one.yaml',
    '  Some promise',
    '  a &quot;&lt;diff&gt;&quot; &amp; \u{fffd}\u{fffd}\u{fffd}',
    '      </failure>',
    '    </testcase>',
    '    <testcase name="address_diffs/one" classname="address_diffs" file="one.yaml" time="0.001"/>',
    '  </testsuite>',
    '</testsuites>',
  ])
})
