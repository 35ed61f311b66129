// Owns the ledger's history as data for `log --json`. Pure.
import type { LoggedEvent, LoggedRun } from './report.ts'

export function runFields({ accepted, revoked, cleaned, invalidated, ...run }: LoggedRun): object {
  return {
    ...run,
    started: new Date(run.started),
    ended: new Date(run.ended),
    acceptedBlocks: accepted,
    revokedBlocks: revoked,
    cleanedBlocks: cleaned,
    invalidatedBlocks: invalidated,
    error: run.error || null,
  }
}

export function eventFields({ state, at, ...event }: LoggedEvent): object {
  return { ...event, event: state, ended: new Date(at), error: event.error || null }
}
