// Owns `backfill doctor` in tests: run in this process, its findings as objects.
import { expect } from 'vitest'
import type { CheckId, Verdict } from '../../src/commands/doctor/checks/finding.ts'
import { backfillInside } from './inside.ts'

export type Found = {
  readonly check: CheckId
  readonly group: string
  readonly about: string
  readonly verdict: Verdict
  readonly found: string
  readonly hint: string | null
}

/** What doctor finds, and its exit code. It never says anything else on stdout, and no defect of its own on stderr. */
export async function doctor(
  env: Readonly<Record<string, string>>,
  words: readonly string[] = [],
  idle = '1',
) {
  const { code, stdout, stderr } = await backfillInside(['doctor', '--json', '--idle', idle, ...words], env)
  expect(stderr).not.toContain('defect')
  const report = JSON.parse(stdout) as { readonly checks: readonly Found[] }
  const of = (check: CheckId) => report.checks.filter((one) => one.check === check)
  return {
    code,
    of,
    /** What is not `ok`, a line each: `fail locks address_diffs`. */
    unwell: report.checks
      .filter(({ verdict }) => verdict !== 'ok')
      .map(({ check, about, verdict }) => [verdict, check, about].filter((word) => word !== '').join(' ')),
    /** The one finding of a check, `found; hint`. */
    said: (check: CheckId): string => {
      const found = of(check).filter(({ verdict }) => verdict !== 'ok')
      return (found.length > 0 ? found : of(check)).map((one) => `${one.found}; ${one.hint}`).join('\n')
    },
  }
}
