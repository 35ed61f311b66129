// Owns how findings look: one line each, the same as JSON. Pure.
import type { Finding } from '../../model/errors.ts'
import { RULES, severityOf } from '../../model/rules.ts'
import { oneLine } from '../../terminal/render/error.ts'
import { count } from '../../terminal/render/format.ts'
import type { Colors } from '../../terminal/render/format.ts'

export type CheckReport = {
  readonly findings: readonly Finding[]
  /** Keys of the tables that were checked. */
  readonly tables: readonly string[]
  /** Unit tests that were read. */
  readonly tests: number
  /** Database and URL of the target; undefined if no server was asked. */
  readonly server: string | undefined
  /** Keys of tables that were not checked on the server, because their files have errors. */
  readonly unasked: readonly string[]
}

export function renderCheck(report: CheckReport, colors: Colors): readonly string[] {
  return [...report.findings.map((finding) => findingLine(finding, colors)), tally(report, colors)]
}

export function checkFields({ findings, unasked, ...report }: CheckReport): object {
  const errors = errorsOf(findings)
  return {
    ...report,
    notAskedAbout: unasked,
    findings: findings.map(({ sentence, hint, ...finding }) => ({
      ...finding,
      name: RULES[finding.rule],
      severity: severityOf(finding.rule),
      line: finding.line ?? 1,
      message: oneLine(sentence),
      hint: oneLine(hint),
    })),
    errors,
    warnings: findings.length - errors,
  }
}

export function errorsOf(findings: readonly Finding[]): number {
  return findings.filter(({ rule }) => severityOf(rule) === 'error').length
}

function findingLine({ rule, file, line, sentence, hint }: Finding, colors: Colors): string {
  const brush = severityOf(rule) === 'error' ? colors.red : colors.yellow
  const head = `${colors.bold(`${file}:${line ?? 1}:`)} ${brush(`${rule} ${RULES[rule]}:`)}`
  return `${head} ${oneLine(sentence)}; ${colors.dim(oneLine(hint))}`
}

function tally({ findings, tables, tests, server, unasked }: CheckReport, colors: Colors): string {
  const errors = errorsOf(findings)
  const warnings = findings.length - errors
  const found = [
    errors === 0 ? colors.green('no errors') : colors.red(count(errors, 'error')),
    ...(warnings === 0 ? [] : [colors.yellow(count(warnings, 'warning'))]),
  ].join(', ')
  const against = server === undefined ? 'without a server' : `against ${server}`
  const left =
    server === undefined || unasked.length === 0
      ? ''
      : `; not checked on the server: ${unasked.join(', ')} (fix their files first)`
  return `Checked ${count(tables.length, 'table')} and ${count(tests, 'unit test')} ${against}: ${found}${left}`
}
