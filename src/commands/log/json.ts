// Owns the ledger's history as JSON: the documents of `log --json`. Pure.
import type { LoggedEvent, LoggedRun } from './report.ts'
import { type JsonObject, SCHEMA, snakeKeys } from '../../terminal/render/json.ts'

export function runsJson(network: string, runs: readonly LoggedRun[]): JsonObject {
  return {
    schema: SCHEMA,
    network,
    runs: runs.map(({ started, ended, error, accepted, revoked, cleaned, invalidated, ...run }) => ({
      ...snakeKeys(run),
      started: iso(started),
      ended: iso(ended),
      error: error === '' ? null : error,
      accepted_blocks: accepted,
      revoked_blocks: revoked,
      cleaned_blocks: cleaned,
      invalidated_blocks: invalidated,
    })),
  }
}

export function eventsJson(network: string, events: readonly LoggedEvent[]): JsonObject {
  return {
    schema: SCHEMA,
    network,
    events: events.map(({ range, state, at, error, ...event }) => ({
      ...snakeKeys(event),
      ...range,
      event: state,
      ended: iso(at),
      error: error === '' ? null : error,
    })),
  }
}

function iso(ms: number): string {
  return new Date(ms).toISOString()
}
