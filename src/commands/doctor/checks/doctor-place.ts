// Owns how doctor names a table on a server of a cluster, and a statement that is for that server.
import { quotedName } from '../../../sql-syntax/quoting.ts'

/** A table, on a server of a cluster; `host` is empty where there is none. */
export type Placed = { readonly host: string; readonly database: string; readonly table: string }

export function nameOf({ host, database, table }: Placed): string {
  return `${database}.${table}${host === '' ? '' : ` on ${host}`}`
}

export function placeOf({ database, table }: Placed): string {
  return `${quotedName(database)}.${quotedName(table)}`
}

/** A statement is for the server that has the trouble. */
export function there(statement: string, { host }: Placed): string {
  return host === '' ? statement : `${statement} -- on ${host}`
}
