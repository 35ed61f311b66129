// Owns the findings of `check` for code review: GitHub's annotations and SARIF 2.1.0. Pure.
import type { Log } from 'sarif'
import type { Finding } from '../../model/errors.ts'
import { RULES, severityOf } from '../../model/rules.ts'
import { oneLine } from '../../terminal/render/error.ts'
import { printable } from '../../terminal/render/printable.ts'

/** The path of a file from the root of the repository, for a path from the working folder: review tools read them so. */
export type PlaceOf = (path: string) => string

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
