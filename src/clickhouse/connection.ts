// Owns what is needed to reach one ClickHouse server.

export type Connection = {
  /** Which side it is, for messages. */
  readonly side: 'source' | 'target'
  /** http(s)://host:port, without credentials, and the path of a proxy behind it. */
  readonly url: string
  readonly username: string
  readonly password: string
  /** Certificates, PEM, by which an https server is known that no public authority vouches for. */
  readonly ca?: string
  /** Database of the source tables or of the derived tables. */
  readonly database: string
}
