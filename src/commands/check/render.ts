// Owns how `backfill check` shows what it found: lines for people, and JSON.
import type { Finding } from '../../model/errors.ts'
import { RULES, severityOf } from '../../model/rules.ts'
import { oneLine } from '../../terminal/render/error.ts'
import { type Colors, count, listOf } from '../../terminal/render/format.ts'

export type CheckReport = {
  readonly findings: readonly Finding[]
  readonly tables: readonly string[]
  readonly tests: number
  readonly server: string | undefined
  /** Keys of tables that were not checked on the server, because their files have errors. */
  readonly unasked: readonly string[]
  /** The files that --fix wrote. */
  readonly fixed: readonly string[]
}

export function renderCheck(report: CheckReport, colors: Colors): readonly string[] {
  return [...report.findings.map((finding) => findingLine(finding, colors)), tally(report, colors)]
}

export function checkFields({ findings, unasked, fixed, ...report }: CheckReport): object {
  const errors = errorsOf(findings)
  return {
    ...report,
    fixed,
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

export function tally({ findings, tables, tests, server, unasked }: CheckReport, colors: Colors): string {
  const errors = errorsOf(findings)
  const warnings = findings.length - errors
  const found = listOf(
    errors === 0 ? colors.green('no errors') : colors.red(count(errors, 'error')),
    warnings > 0 && colors.yellow(count(warnings, 'warning')),
  ).join(', ')
  const against = server === undefined ? 'without a server' : `against ${server}`
  const left =
    server === undefined || unasked.length === 0
      ? ''
      : `; not checked on the server: ${unasked.join(', ')} (fix their files first)`
  return `Checked ${count(tables.length, 'table')} and ${count(tests, 'unit test')} ${against}: ${found}${left}`
}
