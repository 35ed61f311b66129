// Owns the version of the ledger: a program that does not know it must not read or write it.
import { usageError } from '../model/errors.ts'

/** A version that changes what the ledger's rows mean raises it, in the comment of its table too (sql/ledger). */
export const LEDGER_VERSION = 1

/** @throws BackfillError `usage` if a newer version of this program has written the ledger */
export function assertKnownLedger(ledger: string, comment: string): void {
  const [, version = '1'] = /; version (\d+)$/.exec(comment) ?? []
  if (Number(version) <= LEDGER_VERSION) return
  throw usageError(
    `a newer version of backfill wrote the ledger ${ledger}: it has version ${version}, this program knows ${LEDGER_VERSION}`,
    'install the newer version again; docs/how-to/upgrading.md says how to go back. Nothing was changed',
  )
}
