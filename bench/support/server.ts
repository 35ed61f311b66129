// Owns the server under measurement: the embedded one in a directory, or one named by BENCH_CLICKHOUSE_URL.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startEmbedded } from '../../src/embedded/embedded-server.ts'

export type Server = {
  readonly url: string
  readonly username: string
  readonly password: string
  /** Ends an embedded server; what a temporary directory holds is gone then. */
  stop(): Promise<void>
}

/** A share of the machine that leaves room for the program and the benchmark beside it. */
const MEMORY_BYTES = 12_000_000_000

/** @param directory where the embedded server keeps its data; without it, a temporary one */
export async function startServer(directory: string | undefined): Promise<Server> {
  const url = process.env['BENCH_CLICKHOUSE_URL']
  if (url !== undefined) {
    const { BENCH_CLICKHOUSE_USERNAME: username = 'default', BENCH_CLICKHOUSE_PASSWORD: password = '' } =
      process.env
    return { url, username, password, stop: async () => {} }
  }
  const place = directory ?? (await mkdtemp(join(tmpdir(), 'backfill-bench-')))
  const clear = () =>
    directory === undefined ? rm(place, { recursive: true, force: true }) : Promise.resolve()
  try {
    const server = await startEmbedded({ directory: place, memoryBytes: MEMORY_BYTES })
    return { ...server, stop: () => server.stop().then(clear) }
  } catch (error) {
    await clear()
    throw error
  }
}

/** Posts one statement with settings and reads the answer to its end. @throws Error with the server's message */
export async function send(
  { url, username, password }: Server,
  statement: string,
  settings: Readonly<Record<string, string>>,
): Promise<void> {
  const response = await fetch(`${url}/?${new URLSearchParams(settings).toString()}`, {
    method: 'POST',
    body: statement,
    headers: { 'X-ClickHouse-User': username, 'X-ClickHouse-Key': password },
  })
  const text = await response.text()
  // With progress in the headers the status is 200 before the outcome is known.
  if (!response.ok || text !== '') throw new Error(text.trim())
}
