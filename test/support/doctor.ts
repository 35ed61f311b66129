// Owns `backfill doctor` in tests: run in this process, its findings as objects.
import { expect } from 'vitest'
import type { Finding } from '../../src/commands/doctor/finding.ts'
import { backfillInside } from './inside.ts'

export type Found = Omit<Finding, 'hint'> & { readonly hint: string | null }

/** What doctor finds, and its exit code. It never says anything else on stdout, and no defect of its own on stderr. */
export async function doctor(
  env: Readonly<Record<string, string>>,
  words: readonly string[] = [],
  idle = '1',
) {
  const { code, stdout, stderr } = await backfillInside(['doctor', '--json', '--idle', idle, ...words], env)
  expect(stderr).not.toContain('defect')
  const report = JSON.parse(stdout) as { readonly checks: readonly Found[] }
  const of = (check: string) => report.checks.filter((one) => one.check === check)
  return {
    code,
    of,
    checks: report.checks,
    /** What is not `ok`, a line each: `fail locks address_diffs`. */
    unwell: report.checks
      .filter(({ status }) => status !== 'ok')
      .map(({ check, subject, status }) => [status, check, subject].filter((word) => word !== '').join(' ')),
    /** The one finding of a check, `finding; hint`. */
    said: (check: string): string => {
      const found = of(check).filter(({ status }) => status !== 'ok')
      return (found.length > 0 ? found : of(check)).map((one) => `${one.finding}; ${one.hint}`).join('\n')
    },
  }
}
