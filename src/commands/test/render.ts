// Owns how test results look: one line per table and a diff for each failed test, as JSON, or as JUnit XML for CI systems. Pure.
import type { RowDiff, UnitTestResult, Values } from './bench.ts'
import { count, duration, type Colors } from '../../terminal/render/format.ts'
import { verbatim } from '../../terminal/render/json.ts'
import { renderRowDiff, type SignedRow, renderTable, right } from '../../terminal/render/table.ts'

export function renderTestResults(
  results: readonly UnitTestResult[],
  elapsedMs: number,
  colors: Colors,
): readonly string[] {
  const failed = results.filter(({ passed }) => !passed)
  const byTable = [...Map.groupBy(results, ({ test }) => test.table.key)]
  const { lines } = renderTable(
    byTable,
    [
      { title: 'table', cell: ([key]) => key },
      right('tests', ([, ofTable]) => String(ofTable.length)),
      right('failed', ([, ofTable]) => String(ofTable.filter(({ passed }) => !passed).length)),
    ],
    Infinity,
  )
  const passed = `${results.length - failed.length} passed`
  const tally =
    failed.length === 0 ? colors.green(passed) : `${colors.red(`${failed.length} failed`)}, ${passed}`
  return [
    ...lines,
    '',
    ...failed.flatMap((result) => [...failure(result, colors), '']),
    `${count(results.length, 'test')}: ${tally} in ${duration(elapsedMs)}`,
  ]
}

/** Rows are arrays of values in the order of `columns`; numbers above 32 bits are strings. */
export function testFields(results: readonly UnitTestResult[], elapsedMs: number): object {
  const passed = results.filter((result) => result.passed).length
  return {
    tests: results.map(({ test, diff, ...result }) => ({
      ...result,
      table: test.table.key,
      test: test.name,
      file: test.file,
      columns: test.expected.columns,
      missing: verbatim(diff.missing),
      unexpected: verbatim(diff.unexpected),
    })),
    passed,
    failed: results.length - passed,
    elapsedMs,
  }
}

function failure({ test, error, diff }: UnitTestResult, colors: Colors): readonly string[] {
  const hasRows = diff.missing.length + diff.unexpected.length > 0
  return [
    `${colors.red('FAILED')} ${colors.bold(test.name)}  ${colors.dim(test.file)}`,
    `  ${test.description}`,
    ...(error === undefined ? [] : [`  ${colors.red(error)}`]),
    ...(hasRows || error === undefined ? diffLines(test.expected.columns, diff, colors) : []),
  ]
}

function diffLines(
  columns: readonly string[],
  { missing, unexpected, same }: RowDiff,
  colors: Colors,
): readonly string[] {
  const rows = renderRowDiff(columns, paired(missing.map(texts), unexpected.map(texts)), colors)
  const legend = `- expected, ${count(missing.length, 'row')} missing; + found, ${count(unexpected.length, 'row')} too many`
  return [`  ${legend}; ${count(same, 'row')} as expected`, ...rows.map((line) => `  ${line}`)]
}

/** Pairs each missing row with the most similar found row if half of their cells are equal; the others follow. */
function paired(
  missing: readonly (readonly string[])[],
  unexpected: readonly (readonly string[])[],
): readonly SignedRow[] {
  const left = [...unexpected]
  const lines = missing.flatMap((values): readonly SignedRow[] => {
    const likeness = left.map((row) => row.filter((cell, index) => cell === values[index]).length)
    const best = Math.max(...likeness)
    if (best * 2 < values.length) return [{ sign: '-', values }]
    const other = left.splice(likeness.indexOf(best), 1)[0]!
    return [
      { sign: '-', values, other },
      { sign: '+', values: other, other: values },
    ]
  })
  return [...lines, ...left.map((values): SignedRow => ({ sign: '+', values }))]
}

function texts(values: Values): readonly string[] {
  return values.map((value) => (typeof value === 'string' ? value : JSON.stringify(value)))
}

/** One suite for each table; `failure` holds what the text output says of the test, in colors that are none. */
export function junit(
  results: readonly UnitTestResult[],
  elapsedMs: number,
  plain: Colors,
): readonly string[] {
  const suites = Map.groupBy(results, ({ test }) => test.table.key)
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuites name="backfill test" ${counts(results)} time="${elapsedMs / 1000}">`,
    ...[...suites].flatMap(([key, ofTable]) => [
      `  <testsuite name="${escape(key)}" ${counts(ofTable)}>`,
      ...ofTable.flatMap((result) => testCase(result, plain)),
      '  </testsuite>',
    ]),
    '</testsuites>',
  ]
}

function counts(results: readonly UnitTestResult[]): string {
  return `tests="${results.length}" failures="${results.filter(({ passed }) => !passed).length}"`
}

function testCase(result: UnitTestResult, plain: Colors): readonly string[] {
  const { test, passed, elapsedMs } = result
  const head = `    <testcase name="${escape(test.name)}" classname="${escape(test.table.key)}" file="${escape(test.file)}" time="${elapsedMs / 1000}"`
  if (passed) return [`${head}/>`]
  // Lines of their own: a line break in a line is escaped where it is printed.
  const body = escape(failure(result, plain).join('\n')).split('\n')
  const [first = '', ...more] = body
  return [
    `${head}>`,
    `      <failure message="${escape(test.description)}">${first}`,
    ...more,
    '      </failure>',
    '    </testcase>',
  ]
}

/** Control characters have no form in XML. */
function escape(text: string): string {
  return text
    .replaceAll(/[^\P{Cc}\n\t]|[\p{Cs}\ufffe\uffff]/gu, '\u{fffd}')
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
}
