// Owns the data that a connection to one ClickHouse server needs, and the names of backfill's databases.

export type ServerRole = 'source' | 'target'

export type Connection = {
  readonly side: ServerRole
  /** http(s)://host:port, without credentials, and the path of a proxy after it. */
  readonly url: string
  readonly username: string
  readonly password: string
  /** Certificates (PEM) of a private authority that signed the server's certificate. */
  readonly ca?: string
  /** The client's certificate and its key (PEM); both or neither. */
  readonly cert?: string
  readonly key?: string
  readonly database: string
  /** Of the target: what a right is granted on. */
  readonly cluster?: string | undefined
  /** Settings whose value in the user's profile is accepted, whatever it is. */
  readonly acceptedSettings?: readonly string[]
}

/** Backfill's own databases on the target: that of the ledger, and that whose tables are locks. */
export function namesFor(ledgerDatabase: string) {
  return { ledger: ledgerDatabase, locks: `${ledgerDatabase}_locks` }
}
