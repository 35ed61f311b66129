// Owns the names of our own databases on the target server.

/** `inKeeper`: locks are rows of the table `locks` of their database, which is in Keeper, in place of tables. */
export type Names = { readonly ledger: string; readonly locks: string; readonly inKeeper?: boolean }

/** The ledger's database and, beside it, the one whose tables are locks. */
export function namesFor(ledgerDatabase: string): Names {
  return { ledger: ledgerDatabase, locks: `${ledgerDatabase}_locks` }
}
