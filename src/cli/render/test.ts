// Owns how test results look: one line a table, a diff for each test that failed; the same as JSON. Pure.
import type { RowDiff, UnitTestResult, Values } from '../../runner/unit-test.ts'
import { count, duration } from './format.ts'
import type { JsonObject } from './json.ts'
import type { Paint } from './paint.ts'
import { renderTable } from './table.ts'

export type TestReport = {
  readonly results: readonly UnitTestResult[]
  readonly elapsedMs: number
  readonly paint: Paint
}

export function renderTestResults({ results, elapsedMs, paint }: TestReport): readonly string[] {
  const failed = results.filter(({ passed }) => !passed)
  const byTable = [...Map.groupBy(results, ({ test }) => test.table.key)]
  const { lines } = renderTable(
    byTable,
    [
      { title: 'table', cell: ([key]) => key },
      { title: 'tests', cell: ([, ofTable]) => String(ofTable.length), align: 'right' },
      {
        title: 'failed',
        cell: ([, ofTable]) => String(ofTable.filter(({ passed }) => !passed).length),
        align: 'right',
      },
    ],
    Infinity,
  )
  const passed = `${results.length - failed.length} passed`
  const tally =
    failed.length === 0 ? paint.green(passed) : `${paint.red(`${failed.length} failed`)}, ${passed}`
  return [
    ...lines,
    '',
    ...failed.flatMap((result) => [...failure(result, paint), '']),
    `${count(results.length, 'test')}: ${tally} in ${duration(elapsedMs)}`,
  ]
}

/** Version 1. Rows are arrays of values in the order of `columns`; numbers above 32 bits are strings. */
export function testsJson(results: readonly UnitTestResult[], elapsedMs: number): JsonObject {
  return {
    schema: 1,
    tests: results.map(({ test, passed, error, diff, elapsedMs: ms }) => ({
      table: test.table.key,
      test: test.name,
      file: test.file,
      passed,
      error: error ?? null,
      columns: test.expected.columns,
      missing: diff.missing,
      unexpected: diff.unexpected,
      elapsed_ms: ms,
    })),
    passed: results.filter(({ passed }) => passed).length,
    failed: results.filter(({ passed }) => !passed).length,
    elapsed_ms: elapsedMs,
  }
}

function failure({ test, error, diff }: UnitTestResult, paint: Paint): readonly string[] {
  return [
    `${paint.red('FAILED')} ${paint.bold(test.name)}  ${paint.dim(test.file)}`,
    `  ${test.description}`,
    ...(error === undefined ? diffLines(test.expected.columns, diff, paint) : [`  ${paint.red(error)}`]),
  ]
}

type Line = { readonly sign: '-' | '+'; readonly values: readonly string[] }

/** Rows that belong together stand together: sorted by their values, the expected one first. */
function diffLines(
  columns: readonly string[],
  { missing, unexpected, same }: RowDiff,
  paint: Paint,
): readonly string[] {
  const line = (sign: Line['sign']) => (values: Values) => ({ sign, values: values.map(text) })
  const lines: readonly Line[] = [...missing.map(line('-')), ...unexpected.map(line('+'))].toSorted(
    (a, b) => compare(a.values.join('\0'), b.values.join('\0')) || compare(b.sign, a.sign),
  )
  const brush = (cell: string, { sign }: Line) => (sign === '-' ? paint.red(cell) : paint.green(cell))
  const table = renderTable(
    lines,
    [
      { title: ' ', cell: ({ sign }) => sign, paint: brush },
      ...columns.map((title, index) => ({
        title,
        cell: ({ values }: Line) => values[index] ?? '',
        paint: brush,
      })),
    ],
    Infinity,
  )
  const legend = `- expected, ${count(missing.length, 'row')} missing; + found, ${count(unexpected.length, 'row')} too many`
  return [`  ${legend}; ${count(same, 'row')} as expected`, ...table.lines.map((each) => `  ${each}`)]
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value)
}

function compare(a: string, b: string): number {
  return a === b ? 0 : a < b ? -1 : 1
}
