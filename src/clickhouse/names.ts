// Owns the names of our own databases on the target server.

export type Names = { readonly ledger: string; readonly locks: string }

/** The ledger's database and, beside it, the one whose tables are locks. */
export function namesFor(ledgerDatabase: string): Names {
  return { ledger: ledgerDatabase, locks: `${ledgerDatabase}_locks` }
}
