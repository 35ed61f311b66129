// Owns where the locks are: tables of one server, or rows in the Keeper of a cluster.
import { keeperLocks } from './keeper-store.ts'
import { lockTables, type LockTables, type LockTablesOptions } from './table-store.ts'

export function lockStore(options: LockTablesOptions): LockTables {
  return options.names.inKeeper ? keeperLocks(options) : lockTables(options)
}
