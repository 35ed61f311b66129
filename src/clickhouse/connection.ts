// Owns what is needed to reach one ClickHouse server.

export type Connection = {
  /** Which side it is, for messages. */
  readonly side: 'source' | 'target'
  /** http(s)://host:port, without credentials. */
  readonly url: string
  readonly username: string
  readonly password: string
  /** Database of the source tables or of the derived tables. */
  readonly database: string
}
