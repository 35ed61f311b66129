// Owns a cluster of two embedded servers, one a shard: no Keeper, no ON CLUSTER. Tables are made as a DBA would make them.
import { randomBytes } from 'node:crypto'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startEmbedded } from '../../src/embedded/embedded-server.ts'
import type { Catalogue } from '../../src/model/model.ts'
import { post, type TestServer } from './server.ts'

export const CLUSTER = 'two_shards'
/** The same two servers as replicas of one shard; the macro {cluster} is not this one. */
export const REPLICAS = 'two_replicas'

/** The first is the one that is asked. */
export type Shards = readonly [TestServer, TestServer]

const MEMORY_BYTES = 2_000_000_000

/**
 * Both servers have the same login, as those behind a load balancer.
 * @param more elements of their configuration
 * @param users elements of `users`
 */
export async function startShards(more: (shard: number) => string = () => '', users = ''): Promise<Shards> {
  const ports = await freePorts(2)
  const password = randomBytes(12).toString('hex')
  const cluster = (name: string, shards: readonly string[]) =>
    `<${name}><secret>${password}</secret>${shards.map((nodes) => `<shard><internal_replication>true</internal_replication>${nodes}</shard>`).join('')}</${name}>`
  const start = async (tcpPort: number, index: number): Promise<TestServer> => {
    const directory = await mkdtemp(join(tmpdir(), 'backfill-shard-'))
    await writeFile(join(directory, 'password'), password, { mode: 0o600 })
    // What lies here is merged into the configuration.
    await mkdir(join(directory, 'config.d'))
    await writeFile(
      join(directory, 'config.d', 'users.xml'),
      `<clickhouse><users>${users}</users></clickhouse>`,
    )
    const config = `<remote_servers>
        ${cluster(CLUSTER, ports.map(nodeAt))}
        ${cluster(REPLICAS, [ports.map(nodeAt).join('')])}
      </remote_servers>
      <macros><installation>test</installation><cluster>${CLUSTER}</cluster><shard>${index + 1}</shard><replica>one</replica></macros>
      ${more(index + 1)}`
    const server = await startEmbedded({ directory, memoryBytes: MEMORY_BYTES, shard: { tcpPort, config } })
    const { url, username } = server
    const stop = async () => {
      await server.stop()
      await rm(directory, { recursive: true, force: true })
    }
    return { url, username, password, stop }
  }
  return (await Promise.all(ports.map(start))) as unknown as Shards
}

function nodeAt(port: number): string {
  return `<replica><host>127.0.0.1</host><port>${port}</port></replica>`
}

/** Creates the nine source tables as `database`'s Distributed tables, and fills them from a database of the first server. */
export async function shardSources(
  shards: Shards,
  { sources }: Catalogue,
  { from, to }: { readonly from: string; readonly to: string },
): Promise<void> {
  await everywhere(shards, `CREATE DATABASE ${to}`)
  for (const { table, ddl } of sources) {
    await everywhere(shards, ddl.text.replace(table, `${table}_local`), { source: to })
    await everywhere(
      shards,
      `CREATE TABLE ${to}.${table} AS ${to}.${table}_local
        ENGINE = Distributed(${CLUSTER}, ${to}, ${table}_local, cityHash64(block_number, meta_network_name, transaction_hash))`,
    )
    await post(
      shards[0],
      `INSERT INTO ${to}.${table} SELECT * FROM ${from}.${table} SETTINGS distributed_foreground_insert = 1, optimize_on_insert = 0`,
    )
  }
}

/** Creates the derived tables by the files for clusters, but neither ON CLUSTER nor Replicated, which need Keeper. */
export async function shardTargets(shards: Shards, { tables }: Catalogue, target: string): Promise<void> {
  await everywhere(shards, `CREATE DATABASE ${target}`)
  for (const { clusterDdl } of tables)
    for (const { text } of clusterDdl) await everywhere(shards, withoutKeeper(text), { target })
}

export function withoutKeeper(ddl: string): string {
  return ddl.replace(" ON CLUSTER '{cluster}'", '').replace(/Replicated(\w+)\('[^']*', '[^']*'(?:, )?/, '$1(')
}

/** Runs a statement on both servers, as ON CLUSTER would. */
export async function everywhere(
  shards: Shards,
  statement: string,
  params: Readonly<Record<string, string>> = {},
): Promise<void> {
  await Promise.all(shards.map((server) => post(server, statement, params)))
}

export async function freePorts(count: number): Promise<readonly number[]> {
  const listeners = Array.from({ length: count }, () => createServer().listen(0, '127.0.0.1'))
  await Promise.all(listeners.map((one) => new Promise((listening) => one.once('listening', listening))))
  const ports = listeners.map((one) => (one.address() as AddressInfo).port)
  await Promise.all(listeners.map((one) => new Promise((closed) => one.close(closed))))
  return ports
}
