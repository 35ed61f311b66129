// Owns the explanation of stale ranges: which SQL built them, when, and why they are stale. Pure.
import { shortHash, type StaleReason } from '../../ledger/stale.ts'
import type { StaleReport } from '../../planning/stale-reports.ts'
import { minute } from './format.ts'

/** Half a sentence; `current` is the hash of the file. */
export function staleText({ hash, reason, edited, built }: StaleReport, current: string): string {
  const why = [
    ...(edited ? [`built by SQL ${shortHash(hash)}, the file is ${shortHash(current)} now`] : []),
    ...(reason === undefined ? [] : [REASON_WORDS[reason]]),
  ].join('; ')
  return built === null ? why : `${why}; built ${timesText(built)}`
}

/** `2026-11-22 21:36 UTC`, or the first and the last time. */
function timesText({ from, to }: { readonly from: string; readonly to: string }): string {
  return minute(from) === minute(to) ? `${minute(to)} UTC` : `${minute(from)} to ${minute(to)} UTC`
}

const REASON_WORDS: Readonly<Record<StaleReason, string>> = {
  mixed: 'rows of an earlier attempt, which may differ, could not be deleted',
  late: 'source rows have changed since',
}
