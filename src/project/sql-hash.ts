// Owns the hash of a transform: if it changes, ranges that were done before are stale.
import { createHash } from 'node:crypto'
import type { SqlText, TableDefinition } from '../model/model.ts'
import { normalForm } from '../sql-syntax/statements.ts'

/**
 * sha256 (hex) of everything that decides on a transform's rows: the SQL, the values of its own parameters and its
 * settings. Settings named `max_…` are left out: because every overflow mode throws, such a limit may fail a statement,
 * but cannot change its rows, so tuning makes nothing stale.
 */
export function sqlHash(
  transform: SqlText,
  { params, settings }: Pick<TableDefinition, 'params' | 'settings'>,
): string {
  const set = Object.entries(settings).filter(([name]) => !name.startsWith('max_'))
  return sha256(
    [
      normalForm(transform),
      ...params.map(({ name, type, value }) => `${name} ${type} = ${value}`).toSorted(),
      ...set.map(([name, value]) => `${name} = ${value}`).toSorted(),
    ].join('\n'),
  )
}

export function sha256(content: string | Uint8Array): string {
  return createHash('sha256').update(content).digest('hex')
}
