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
    const values = [...search].flatMap(([param, value]) => (/^param_p\d+$/.test(param) ? [value] : []))
    // A table is a value by itself, or one of an array for several tables.
    const has = (word: string) => values.some((value) => value === word || value.includes(`'${word}'`))
    return statement.startsWith('insert into') && has(name) && (key === undefined || has(key))
  }

export const deletion = ({ statement }: Seen): boolean => statement.startsWith('DELETE FROM')

/** The taking of a lock, of a table where that is given. */
export const lockCreation =
  (key = '') =>
  ({ statement, search }: Seen): boolean =>
    statement.startsWith('CREATE TABLE {locks:Identifier}') &&
    (search.get('param_name') ?? '').includes(`__${key}`)
