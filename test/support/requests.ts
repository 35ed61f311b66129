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
    if (statement.startsWith('insert into'))
      return name === 'checkpoint' && (key === undefined || [...search.values()].some(holds(key)))
    return eventsIn(statement).some(
      ({ event, table_key }) => event === name && (key === undefined || key === table_key),
    )
  }

/** A table is a value by itself, or one of an array for several tables. */
const holds = (key: string) => (value: string) => value === key || value.includes(`'${key}'`)

/** The events that the statement brings as data; none in any other statement. */
export function eventsIn(
  statement: string,
): readonly { readonly event: string; readonly table_key: string }[] {
  if (!statement.startsWith('INSERT INTO {ledger:Identifier}.ledger (')) return []
  const rows = statement.split('\n').filter((line) => line.startsWith('{'))
  return rows.map((line) => JSON.parse(line) as { event: string; table_key: string })
}

export const deletion = ({ statement }: Seen): boolean => statement.startsWith('DELETE FROM')

/** The taking of a lock, of a table where that is given. */
export const lockCreation =
  (key = '') =>
  ({ statement, search }: Seen): boolean =>
    statement.startsWith('CREATE TABLE {locks:Identifier}') &&
    (search.get('param_name') ?? '').includes(`__${key}`)
