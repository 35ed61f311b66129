// Owns how `info` looks. Pure; it never sees a password, only whether there is one.
import type { LockInfo } from '../../lock/comment.ts'
import { DEFAULT_CHUNK_ROWS } from '../../planning/sizing.ts'
import type { TableDefinition } from '../../model/model.ts'
import type { Session } from '../../workspace/open.ts'
import { type Config, PUBLIC_URL } from '../../workspace/config.ts'
import { MASK, maskUrl } from '../../workspace/mask.ts'
import type { ServerRole } from '../../workspace/servers.ts'
import type { Setting } from '../../workspace/variables.ts'
import { count, minute, type Colors } from '../../terminal/render/format.ts'
import { renderTable } from '../../terminal/render/table.ts'
import type { Compression } from '../../model/compression.ts'

type Row = { readonly name: string; readonly value: string; readonly origin: string }

export function settingLines(config: Config, colors: Colors): readonly string[] {
  const { network, lag, jobs, tableJobs, chunk, chunkRows, order } = config
  const { cluster, compression, ledgerDatabase, sql, state } = config
  const rows: readonly Row[] = [
    row('network', network),
    row('lag', lag),
    row('jobs', { ...jobs, value: jobs.value ?? "by the server's cores" }),
    row('table jobs', { ...tableJobs, value: tableJobs.value ?? 'as jobs' }),
    row('chunk rows', { ...chunkRows, value: chunkRows.value ?? DEFAULT_CHUNK_ROWS }),
    row('chunk', { ...chunk, value: chunk.value ?? 'by rows' }),
    row('order', order),
    row('cluster', { ...cluster, value: cluster.value ?? 'none' }),
    row('compression', compression),
    row('ledger database', ledgerDatabase),
    row('SQL folder', sql),
    row('state folder', state),
    row('import from', importRow(config)),
    ...sideRows(config, 'source'),
    ...sideRows(config, 'target'),
  ]
  return renderTable<Row>(
    rows,
    [
      { title: 'setting', cell: ({ name }) => name },
      { title: 'value', cell: ({ value }) => value },
      { title: 'origin', cell: ({ origin }) => origin, colors: colors.dim },
    ],
    Infinity,
  ).lines
}

export type ServerFacts = {
  readonly servers: Session['servers']
  readonly cluster:
    | {
        readonly name: string
        readonly nodes: readonly number[]
        readonly keeper: boolean
        readonly balanced: boolean
      }
    | undefined
  readonly config: Config
  readonly colors: Colors
}

export function serverLines({
  servers: { source, target },
  cluster,
  config,
  colors,
}: ServerFacts): readonly string[] {
  const one = source.identity === target.identity
  const where =
    config.servers.kind === 'embedded' ? 'the embedded server' : one ? 'one server' : 'two servers'
  return [
    `${colors.bold('servers')}  ${where}, ${one ? 'rows stay inside the server' : 'rows stream from source to target'}`,
    ...(one
      ? [`  ClickHouse ${target.version}`]
      : [`  source ClickHouse ${source.version}`, `  target ClickHouse ${target.version}`]),
    ...(one ? [] : notSentLines('source', source)),
    ...notSentLines('target', target),
    ...(cluster === undefined ? [] : [`  ${clusterWords(cluster)}`]),
  ]
}

function clusterWords({ name, nodes, keeper, balanced }: NonNullable<ServerFacts['cluster']>): string {
  const size = `${count(new Set(nodes).size, 'shard')} on ${count(nodes.length, 'node')}`
  const where = keeper
    ? 'Keeper: ledger and locks on all nodes'
    : 'no Keeper: ledger and locks on this server'
  return `cluster ${name}, ${size}, ${where}${balanced ? ', behind a load balancer' : ''}`
}

function notSentLines(side: ServerRole, { notSent }: ServerFacts['servers'][ServerRole]): readonly string[] {
  if (notSent === undefined) return []
  const user = notSent.readsOnly ? `the ${side} user only reads (readonly = 1)` : `limits on the ${side} user`
  return [`  ${user}: ${notSent.names.join(', ')} not sent, what the profile has is safe`]
}

/** Where each table is computed, and how its rows get to the target. */
export function modeLines(
  tables: readonly TableDefinition[],
  topology: Topology,
  colors: Colors,
): readonly string[] {
  const rows = tables.map((table) => ({ name: table.key, value: tableMode(table, topology), origin: '' }))
  return renderTable<Row>(
    rows,
    [
      { title: 'table', cell: ({ name }) => name },
      { title: 'rows', cell: ({ value }) => value, colors: colors.dim },
    ],
    Infinity,
  ).lines
}

export function lockLines(locks: ReadonlyMap<string, LockInfo>, colors: Colors): readonly string[] {
  const held = [...locks].filter(([, lock]) => !lock.released)
  const lines = held.map(
    ([key, { epoch, host, pid, heartbeat }]) =>
      `  ${key}  epoch ${epoch}, held on ${host} (pid ${pid}), last heartbeat ${minute(heartbeat)} UTC`,
  )
  return [`${colors.bold('locks')}  ${held.length === 0 ? 'none held' : ''}`.trimEnd(), ...lines]
}

function importRow({ importUrl, importFolder }: Config): Setting<string> {
  if (importFolder.value !== undefined) return { ...importFolder, value: importFolder.value }
  return { ...importUrl, value: maskUrl(importUrl.value ?? PUBLIC_URL) }
}

function sideRows({ servers, databases }: Config, side: ServerRole): readonly Row[] {
  const database = row(`${side} database`, databases[side])
  if (servers.kind === 'embedded')
    return [row(side, { value: 'embedded server', origin: servers.origin }), database]
  const { url, username, password, ca } = servers[side]
  return [
    row(side, url),
    row(`${side} username`, username),
    row(`${side} password`, { ...password, value: password.value === '' ? '(empty)' : MASK }),
    ...(ca === undefined ? [] : [row(`${side} CA file`, { value: ca.value.file, origin: ca.origin })]),
    database,
  ]
}

function row(name: string, { value, origin }: Setting<string | number>): Row {
  return { name, value: String(value), origin }
}

export type Topology = {
  /** Source and target are one server. */
  readonly oneServer: boolean
  /** How rows cross where they are two. */
  readonly compression: Compression
}

function tableMode(
  { sources, after }: Pick<TableDefinition, 'sources' | 'after'>,
  { oneServer, compression }: Topology,
): string {
  if (oneServer) return 'inside the server'
  if (sources.length === 0) return 'inside the target: it reads derived tables only'
  if (after.length > 0) return 'not possible: it reads source tables and derived tables, on two servers'
  return compression === 'none' ? 'streamed, plain' : `streamed, packed by ${compression}`
}
