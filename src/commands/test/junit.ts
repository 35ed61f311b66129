// Owns the results of unit tests as JUnit XML, which CI systems show. Pure.
import type { UnitTestResult } from './unit-test.ts'

/** One suite for each table; `failure` holds `explain`, what the text output says of the test. */
export function junit(
  results: readonly UnitTestResult[],
  elapsedMs: number,
  explain: (result: UnitTestResult) => readonly string[],
): readonly string[] {
  const suites = Map.groupBy(results, ({ test }) => test.table.key)
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<testsuites name="backfill test" ${counts(results)} time="${elapsedMs / 1000}">`,
    ...[...suites].flatMap(([key, ofTable]) => [
      `  <testsuite name="${escape(key)}" ${counts(ofTable)}>`,
      ...ofTable.flatMap((result) => testCase(result, explain)),
      '  </testsuite>',
    ]),
    '</testsuites>',
  ]
}

function counts(results: readonly UnitTestResult[]): string {
  return `tests="${results.length}" failures="${results.filter(({ passed }) => !passed).length}"`
}

function testCase(
  result: UnitTestResult,
  explain: (result: UnitTestResult) => readonly string[],
): readonly string[] {
  const { test, passed, elapsedMs } = result
  const head = `    <testcase name="${escape(test.name)}" classname="${escape(test.table.key)}" file="${escape(test.file)}" time="${elapsedMs / 1000}"`
  if (passed) return [`${head}/>`]
  const body = escape(explain(result).join('\n'))
  return [
    `${head}>`,
    `      <failure message="${escape(test.description)}">${body}</failure>`,
    '    </testcase>',
  ]
}

/** Control characters have no form in XML. */
function escape(text: string): string {
  return text
    .replaceAll(/[^\P{Cc}\n\t]/gu, '\u{fffd}')
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
}
