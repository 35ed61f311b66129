// Owns how `backfill check` shows what it found: lines for people, JSON, GitHub's annotations and SARIF. Pure.
import type { Log } from 'sarif'
import type { Finding } from '../../model/errors.ts'
import { RULES, severityOf } from '../../model/rules.ts'
import { oneLine } from '../../terminal/render/error.ts'
import { printable } from '../../terminal/render/printable.ts'
import { type Colors, count, listOf } from '../../terminal/render/format.ts'

export type CheckReport = {
  readonly findings: readonly Finding[]
  readonly tables: readonly string[]
  readonly tests: number
  readonly server: string | undefined
  /** Keys of tables that were not checked on the server, because their files have errors. */
  readonly unasked: readonly string[]
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

/** The path of a file from the root of the repository, for a path from the working folder: review tools read them so. */
type PlaceOf = (path: string) => string

/** `::error file=sql/ddl/a.sql,line=3,title=E030 unknown-parameter::…`, a line for each finding. */
export function githubLines(
  findings: readonly Finding[],
  placeOf: PlaceOf = (path) => path,
): readonly string[] {
  return findings.map(({ rule, file, line, sentence, hint }) => {
    const place = { file: placeOf(file), line: String(line ?? 1), title: `${rule} ${RULES[rule]}` }
    const properties = Object.entries(place).map(([name, value]) => `${name}=${escapeProperty(value)}`)
    return `::${severityOf(rule)} ${properties.join(',')}::${escapeData(`${oneLine(sentence)}; ${oneLine(hint)}`)}`
  })
}

/** As @actions/core escapes them, and without control characters: a finding must not begin another command. */
function escapeData(text: string): string {
  return printable(text).replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A')
}

function escapeProperty(text: string): string {
  return escapeData(text).replaceAll(':', '%3A').replaceAll(',', '%2C')
}

/** SARIF 2.1.0. */
export function sarif(findings: readonly Finding[], version: string, placeOf: PlaceOf = (path) => path): Log {
  const rules = [...new Set(findings.map(({ rule }) => rule))]
  return {
    $schema: 'https://json.schemastore.org/sarif-2.1.0.json',
    version: '2.1.0',
    runs: [
      {
        tool: { driver: { name: 'backfill', version, rules: rules.map((id) => ({ id, name: RULES[id] })) } },
        results: findings.map(({ rule, file, line, sentence, hint }) => ({
          ruleId: rule,
          level: severityOf(rule),
          message: { text: `${oneLine(sentence)}; ${oneLine(hint)}` },
          locations: [
            {
              physicalLocation: {
                artifactLocation: { uri: placeOf(file).split('/').map(encodeURIComponent).join('/') },
                region: { startLine: line ?? 1 },
              },
            },
          ],
        })),
      },
    ],
  }
}
