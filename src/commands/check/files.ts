// Owns the checks of `backfill check` that need no server, and the collection of findings.
import { BackfillError, type Finding } from '../../model/errors.ts'
import { lintDdl } from './lint-ddl.ts'
import { lintTransform } from './lint-transform.ts'
import { attempt, type Report } from '../../sql-syntax/problems.ts'
import type { TableDraft } from '../../project/definition-checks.ts'

export type Findings = {
  readonly report: Report
  /** Each finding once, sorted by file and line. */
  list(): readonly Finding[]
}

/** Collects reported findings. An error without a rule is thrown. */
export function gatherFindings(): Findings {
  const found = new Map<string, Finding>()
  return {
    report(error: BackfillError) {
      const { finding } = error
      if (finding === undefined) throw error
      const key = [finding.rule, finding.file, finding.line, finding.sentence].join('\n')
      if (!found.has(key)) found.set(key, finding)
    },
    list: () =>
      [...found.values()].toSorted(
        (a, b) => compare(a.file, b.file) || (a.line ?? 1) - (b.line ?? 1) || compare(a.rule, b.rule),
      ),
  }
}

/** Lints the tables whose files could be read. */
export function checkDrafts(drafts: readonly TableDraft[], report: Report): void {
  const targets = new Map(drafts.map(({ key, header }) => [key, header.target]))
  for (const draft of drafts) {
    const { transform, ddl } = draft
    const { rows } = draft.header
    const errors = [
      transform && (() => lintTransform(transform, draft, targets)),
      ddl && rows && (() => lintDdl(ddl, rows)),
    ].flatMap((lint) => (lint && attempt(report, () => [...lint()])) ?? [])
    errors.forEach(report)
  }
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
