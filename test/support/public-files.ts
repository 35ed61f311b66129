// Owns public Parquet files for tests: written by ClickHouse itself, and served on loopback, well or badly.
import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { TestServer } from './server.ts'

type Login = Pick<TestServer, 'url' | 'username' | 'password'>

export type FileName = { readonly network: string; readonly table: string; readonly first: number }

/** Path of a file below the base URL or folder. */
export function publicPath({ network, table, first }: FileName): string {
  return `${network}/databases/default/${table}/1000/${first}.parquet`
}

/** Writes the rows of a SELECT as ClickHouse writes Parquet. */
export async function writeParquet(
  server: Login,
  file: string,
  select: string,
  params: Readonly<Record<string, string | number>> = {},
): Promise<void> {
  const search = new URLSearchParams(
    Object.entries(params).map(([name, value]): [string, string] => [`param_${name}`, String(value)]),
  )
  const response = await fetch(`${server.url}/?${search.toString()}`, {
    method: 'POST',
    body: `${select}\nFORMAT Parquet`,
    headers: { 'X-ClickHouse-User': server.username, 'X-ClickHouse-Key': server.password },
  })
  const bytes = Buffer.from(await response.arrayBuffer())
  if (!response.ok) throw new Error(bytes.toString('utf8'))
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(file, bytes)
}

export type Export = {
  readonly folder: string
  readonly source: string
  readonly network: string
  readonly tables: readonly string[]
  readonly firsts: readonly number[]
}

/** Writes source tables as the public files are: each table by 1,000 blocks, with a column that nobody needs. */
export async function exportFiles(server: Login, { folder, source, network, tables, firsts }: Export) {
  for (const table of tables)
    for (const first of firsts)
      await writeParquet(
        server,
        join(folder, publicPath({ network, table, first })),
        `SELECT *, toInt32(1) AS meta_network_id FROM {source:Identifier}.{table:Identifier}
          WHERE meta_network_name = {network:String} AND block_number BETWEEN {first:UInt64} AND {first:UInt64} + 999`,
        { source, table, network, first },
      )
}

/** Answers a request in place of the file, whose bytes are given where it is there. */
export type Behaviour = (
  exchange: { readonly incoming: IncomingMessage; readonly outgoing: ServerResponse },
  bytes: Buffer | undefined,
) => unknown

export type PublicServer = {
  readonly url: string
  /** `GET /mainnet/…`, in the order of their arrival. */
  readonly requests: string[]
  /** How paths that end so are answered; undefined: as files are. */
  behave(ending: string, behaviour: Behaviour | undefined): void
  close(): Promise<void>
}

/** Serves a folder with ETag and length, and 404 for what is not there. */
export async function servePublic(folder: string): Promise<PublicServer> {
  const behaviours = new Map<string, Behaviour>()
  const requests: string[] = []
  const server = createServer((incoming, outgoing) => {
    const path = incoming.url ?? '/'
    requests.push(`${incoming.method} ${path}`)
    const file = join(folder, path)
    const stats = statSync(file, { throwIfNoEntry: false })
    const bytes = stats?.isFile() === true ? readFileSync(file) : undefined
    const [, behaviour = asFile] = [...behaviours].find(([ending]) => path.endsWith(ending)) ?? []
    void behaviour({ incoming, outgoing }, bytes)
  })
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    behave(ending, behaviour) {
      if (behaviour === undefined) behaviours.delete(ending)
      else behaviours.set(ending, behaviour)
    },
    close: () =>
      new Promise((closed) => {
        server.close(() => closed())
        server.closeAllConnections()
      }),
  }
}

export const asFile: Behaviour = ({ incoming, outgoing }, bytes) => {
  if (bytes === undefined) return outgoing.writeHead(404).end('no such file')
  outgoing.writeHead(200, { 'content-length': bytes.length, etag: `"${bytes.length}"` })
  return outgoing.end(incoming.method === 'HEAD' ? undefined : bytes)
}

/** A bad answer to GET; HEAD is answered as it should be. */
export const onGet =
  (bad: Behaviour): Behaviour =>
  (exchange, bytes) =>
    (exchange.incoming.method === 'GET' ? bad : asFile)(exchange, bytes)

export const answering =
  (status: number, text = '', headers: Readonly<Record<string, string>> = {}): Behaviour =>
  ({ outgoing }) =>
    outgoing.writeHead(status, headers).end(text)

/** The connection breaks in the middle of the file. */
export const cutShort: Behaviour = ({ outgoing }, bytes = Buffer.alloc(0)) => {
  outgoing.writeHead(200, { 'content-length': bytes.length })
  outgoing.write(bytes.subarray(0, bytes.length / 2), () => outgoing.destroy())
}

/** The file comes in pieces, with a pause before each. */
export const slowly =
  (pieces: number, pauseMs: number): Behaviour =>
  async ({ outgoing }, bytes = Buffer.alloc(0)) => {
    outgoing.writeHead(200, { 'content-length': bytes.length })
    const size = Math.ceil(bytes.length / pieces)
    for (let at = 0; at < bytes.length; at += size) {
      await sleep(pauseMs)
      outgoing.write(bytes.subarray(at, at + size))
    }
    outgoing.end()
  }

/** The same bad answer for the first `times` requests, then the file. */
export const atFirst = (times: number, bad: Behaviour): Behaviour => {
  let left = times
  return (exchange, bytes) => (left-- > 0 ? bad : asFile)(exchange, bytes)
}

/** Begins and never ends. */
export const stalled: Behaviour = ({ outgoing }, bytes) => {
  outgoing.writeHead(200, { 'content-length': bytes!.length })
  outgoing.write(bytes!.subarray(0, 100))
}

/** As a simple server does: no length, the connection ends behind the last byte. */
export const oldFashioned: Behaviour = ({ outgoing }, bytes) =>
  outgoing.socket!.end(Buffer.concat([Buffer.from('HTTP/1.0 200 OK\r\n\r\n'), bytes!]))
