// Owns the names of backfill's own databases on the target server.

/** `inKeeper`: locks are rows of a table `locks` in Keeper instead of tables. */
export type Names = { readonly ledger: string; readonly locks: string; readonly inKeeper?: boolean }

/** The ledger's database and the database whose tables are locks. */
export function namesFor(ledgerDatabase: string): Names {
  return { ledger: ledgerDatabase, locks: `${ledgerDatabase}_locks` }
}
