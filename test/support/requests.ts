// Owns telling the runner's requests apart, as a proxy sees them.
import type { Seen } from './proxy.ts'

/** The INSERT of a chunk; of a table, and of its chunk that begins at `from`, where that is given. */
export const intoTarget =
  (key = '', from?: number) =>
  ({ statement, search }: Seen): boolean =>
    statement.startsWith('INSERT INTO {backfill_database:Identifier}') &&
    (search.get('query_id') ?? '').includes(`-${key}${from === undefined ? '' : `-${from}-`}`)

/** An event on its way into the ledger, of a table where that is given. */
export const ledgerEvent =
  (name: string, key?: string) =>
  ({ statement, search }: Seen): boolean => {
    const values = new Set(
      [...search].flatMap(([param, value]) => (/^param_p\d+$/.test(param) ? [value] : [])),
    )
    return statement.startsWith('insert into') && values.has(name) && (key === undefined || values.has(key))
  }

export const deletion = ({ statement }: Seen): boolean => statement.startsWith('DELETE FROM')

/** The taking of a lock, of a table where that is given. */
export const lockCreation =
  (key = '') =>
  ({ statement, search }: Seen): boolean =>
    statement.startsWith('CREATE TABLE {locks:Identifier}') &&
    (search.get('param_name') ?? '').includes(`__${key}`)
