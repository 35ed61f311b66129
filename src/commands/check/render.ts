// Owns how findings look: one line each, the same as JSON. Pure.
import type { Finding } from '../../model/errors.ts'
import { RULES, severityOf } from '../../model/rules.ts'
import { oneLine } from '../../terminal/render/error.ts'
import { count } from '../../terminal/render/format.ts'
import type { JsonObject } from '../../terminal/render/json.ts'
import type { Paint } from '../../terminal/render/format.ts'

export type CheckReport = {
  readonly findings: readonly Finding[]
  /** Keys of the tables that were checked. */
  readonly tables: readonly string[]
  /** Unit tests that were read. */
  readonly tests: number
  /** Who was asked, in words; undefined where nobody was. */
  readonly server: string | undefined
  /** Keys of those that no server was asked about, because their files come first. */
  readonly unasked: readonly string[]
}

export function renderCheck(report: CheckReport, paint: Paint): readonly string[] {
  return [...report.findings.map((finding) => findingLine(finding, paint)), tally(report, paint)]
}

/** Version 1. */
export function checkJson({ findings, tables, tests, server, unasked }: CheckReport): JsonObject {
  return {
    schema: 1,
    tables,
    tests,
    server: server ?? null,
    not_asked_about: unasked,
    findings: findings.map(({ rule, file, line, sentence, hint }) => ({
      rule,
      name: RULES[rule],
      severity: severityOf(rule),
      file,
      line: line ?? 1,
      message: oneLine(sentence),
      hint: oneLine(hint),
    })),
    errors: errorsOf(findings),
    warnings: findings.length - errorsOf(findings),
  }
}

export function errorsOf(findings: readonly Finding[]): number {
  return findings.filter(({ rule }) => severityOf(rule) === 'error').length
}

function findingLine({ rule, file, line, sentence, hint }: Finding, paint: Paint): string {
  const brush = severityOf(rule) === 'error' ? paint.red : paint.yellow
  const head = `${paint.bold(`${file}:${line ?? 1}:`)} ${brush(`${rule} ${RULES[rule]}:`)}`
  return `${head} ${oneLine(sentence)}; ${paint.dim(oneLine(hint))}`
}

function tally({ findings, tables, tests, server, unasked }: CheckReport, paint: Paint): string {
  const errors = errorsOf(findings)
  const warnings = findings.length - errors
  const found = [
    errors === 0 ? paint.green('no errors') : paint.red(count(errors, 'error')),
    ...(warnings === 0 ? [] : [paint.yellow(count(warnings, 'warning'))]),
  ].join(', ')
  const against = server === undefined ? 'without a server' : `against ${server}`
  const left =
    server === undefined || unasked.length === 0
      ? ''
      : `; not asked about ${unasked.join(', ')}: mend the files first`
  return `Checked ${count(tables.length, 'table')} and ${count(tests, 'unit test')} ${against}: ${found}${left}`
}
