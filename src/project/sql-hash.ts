// Owns the hash by which a transform is the same, or another one.
import { hash } from 'node:crypto'
import { type SqlText, type TableDefinition, XATU_COLUMNS } from '../model/model.ts'
import { normalForm } from '../sql-syntax/statements.ts'

/**
 * sha256 (hex) of all that decides on a transform's rows. Settings named `max_…` are left out: every overflow mode throws, so such a limit
 * may fail a statement, but cannot change its rows, and tuning makes nothing stale.
 */
export function sqlHash(
  transform: SqlText,
  {
    params,
    settings,
    position,
  }: Pick<TableDefinition, 'params' | 'settings'> & { readonly position?: string | undefined },
): string {
  const set = Object.entries(settings).filter(([name]) => !name.startsWith('max_'))
  return sha256(
    [
      normalForm(transform),
      ...params.map(({ name, type, value }) => `${name} ${type} = ${value}`).toSorted(),
      ...set.map(([name, value]) => `${name} = ${value}`).toSorted(),
      // By another position the numbers in the ledger are of other rows.
      ...(position === undefined || position === XATU_COLUMNS.position ? [] : [`position = ${position}`]),
    ].join('\n'),
  )
}

export const sha256 = (content: string | Uint8Array): string => hash('sha256', content)
