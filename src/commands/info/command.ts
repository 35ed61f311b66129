// Owns `backfill info`: every setting with its origin, and the servers. It prints the settings before it asks a server.
// With --grants it prints what an administrator types, and asks none.
import { readFile } from 'node:fs/promises'
import type { PerUnit } from '../../model/model.ts'
import { EXIT } from '../../model/errors.ts'
import { type Command, withWorkspace } from '../../session/session.ts'
import { DEFAULT_CHUNK_ROWS } from '../../planning/sizing.ts'
import type { Session } from '../../workspace/open.ts'
import { type Config, PUBLIC_URL, shownFolders } from '../../workspace/config.ts'
import { MASK, maskUrl } from '../../workspace/mask.ts'
import type { Setting } from '../../workspace/variables.ts'
import { type Colors, count, listOf } from '../../terminal/render/format.ts'
import { renderTable } from '../../terminal/render/table.ts'
import { oneOf, readFlag } from '../../workspace/values.ts'
import { PACKAGE_FOLDER, toolVersion } from '../../package-folder.ts'
import { type ServerRole, namesFor } from '../../clickhouse/connection.ts'
import { quotedName } from '../../sql-syntax/quoting.ts'

export const info: Command = async (context) => {
  const { config, flags, output } = context
  const colors = output.resultColors
  const json = flags.has('json')
  const role = readFlag(flags, 'grants', oneOf<Role>(['runner', 'reader']))
  if (role !== undefined) {
    const grants = await grantLines(role, config)
    output.answer({ grants }, grants)
    return EXIT.ok
  }
  if (!json) output.result([`backfill ${toolVersion()} on ${runtime()}`, '', ...settingLines(config, colors)])
  return await withWorkspace(context, async (session) => {
    if (json) output.json({ runtime: runtime(), settings: settingRows(config), ...serverFields(session) })
    else output.result(['', ...serverLines(session, config, colors)])
    return EXIT.ok
  })
}

type Role = 'runner' | 'reader'

/** The rights of docs/reference/permissions.md for these databases, and for the user who is to be used. */
async function grantLines(role: Role, { servers, databases, ledgerDatabase }: Config) {
  const text = await readFile(new URL(`sql-templates/grants/${role}.sql`, PACKAGE_FOLDER), 'utf8')
  const side = role === 'runner' ? 'target' : 'source'
  const names: Readonly<Record<string, unknown>> = {
    source: databases.source.value,
    target: databases.target.value,
    ...namesFor(ledgerDatabase.value),
    user: servers.kind === 'remote' ? servers[side].username.value : role,
  }
  return text
    .trimEnd()
    .replaceAll(/\{\{(\w+)\}\}/g, (_, name: string) => quotedName(String(names[name])))
    .split('\n')
}

function runtime(): string {
  const { deno, node } = process.versions
  return deno === undefined ? `Node ${node}` : `Deno ${deno}`
}

type ClusterFacts = NonNullable<Session['connected']['target']['cluster']>

type Row = { readonly name: string; readonly value: string; readonly origin: string }

function settingRows(config: Config): readonly Row[] {
  const { network, lag, jobs, tableJobs, chunk, chunkRows, order } = config
  const { cluster, compression, ledgerDatabase, sql, state, acceptSetting, envFile } = config
  return [
    row('network', network),
    row('lag', { ...lag, value: amount(lag.value) }),
    row('jobs', { ...jobs, value: jobs.value ?? "by the server's cores" }),
    row('table jobs', { ...tableJobs, value: tableJobs.value ?? 'as jobs' }),
    row('chunk rows', { ...chunkRows, value: chunkRows.value ?? DEFAULT_CHUNK_ROWS }),
    row('chunk', { ...chunk, value: chunk.value === undefined ? 'by rows' : amount(chunk.value) }),
    row('order', order),
    row('cluster', { ...cluster, value: cluster.value ?? 'none' }),
    row('compression', compression),
    row('ledger database', ledgerDatabase),
    row('.env', { value: envFile ?? 'none', origin: envFile === undefined ? 'default' : 'file' }),
    row('accepted settings', { ...acceptSetting, value: acceptSetting.value.join(', ') || 'none' }),
    row('SQL folders', { ...sql, value: shownFolders(sql.value, config.folder) }),
    row('state folder', state),
    row('import from', importRow(config)),
    ...sideRows(config, 'source'),
    ...sideRows(config, 'target'),
  ]
}

/** As it is typed: `64`, `64,300s`. */
function amount(value: PerUnit): string {
  if (typeof value === 'number') return String(value)
  const { block, second } = value
  return listOf(block !== undefined && String(block), second !== undefined && `${second}s`).join()
}

export function settingLines(config: Config, colors: Colors): readonly string[] {
  return renderTable<Row>(
    settingRows(config),
    [
      { title: 'setting', cell: ({ name }) => name },
      { title: 'value', cell: ({ value }) => value },
      { title: 'origin', cell: ({ origin }) => origin, colors: colors.dim },
    ],
    Infinity,
  ).lines
}

function serverFields({ servers: { source, target }, compression, connected }: Session): object {
  const { name: cluster, nodes } = connected.target.cluster ?? {}
  const oneServer = source.identity === target.identity
  const sides = { source: sideFields(source), target: sideFields(target) }
  return { oneServer, compression, ...sides, cluster, nodes: nodes?.length }
}

function sideFields({ version, notSent }: Session['servers'][ServerRole]): object {
  return { version, notSent: notSent?.names ?? [], readsOnly: notSent?.readsOnly ?? false }
}

function serverLines(session: Session, { servers }: Config, colors: Colors): readonly string[] {
  const { compression, connected } = session
  const { source, target } = session.servers
  const one = source.identity === target.identity
  const { cluster } = connected.target
  const where = servers.kind === 'embedded' ? 'the embedded server' : one ? 'one server' : 'two servers'
  const packed = compression === 'none' ? 'not compressed' : `compressed by ${compression}`
  return listOf(
    `${colors.bold('servers')}  ${where}, rows ${one ? 'stay inside the server' : `stream from source to target, ${packed}`}`,
    !one && `  source ClickHouse ${source.version}`,
    `  ${one ? '' : 'target '}ClickHouse ${target.version}`,
    !one && notSentLine('source', source),
    notSentLine('target', target),
    cluster && `  ${clusterText(cluster)}`,
  )
}

function clusterText({ name, nodes, keeper, balanced }: ClusterFacts): string {
  const size = `${count(new Set(nodes).size, 'shard')} on ${count(nodes.length, 'node')}`
  const where = `${keeper ? '' : 'no '}Keeper: ledger and locks on ${keeper ? 'all nodes' : 'this server'}`
  return `cluster ${name}, ${size}, ${where}${balanced ? ', behind a load balancer' : ''}`
}

function notSentLine(side: ServerRole, { notSent }: Session['servers'][ServerRole]): string | undefined {
  if (notSent === undefined) return undefined
  const user = notSent.readsOnly ? `the ${side} user only reads (readonly = 1)` : `limits on the ${side} user`
  return `  ${user}: ${notSent.names.join(', ')} not sent, the profile's values are safe`
}

function importRow({ importUrl, importFolder }: Config): Setting<string> {
  if (importFolder.value !== undefined) return { ...importFolder, value: importFolder.value }
  return { ...importUrl, value: maskUrl(importUrl.value ?? PUBLIC_URL) }
}

function sideRows({ servers, databases }: Config, side: ServerRole): readonly Row[] {
  const database = row(`${side} database`, databases[side])
  if (servers.kind !== 'remote')
    return [
      row(side, { value: servers.kind === 'none' ? 'none' : 'embedded server', origin: servers.origin }),
      database,
    ]
  const { url, username, password, ca, cert, key } = servers[side]
  const files = Object.entries({ CA: ca, certificate: cert, key }).map(
    ([name, file]) => file && row(`${side} ${name} file`, { value: file.value.file, origin: file.origin }),
  )
  return listOf(
    row(side, url),
    row(`${side} username`, username),
    row(`${side} password`, { ...password, value: password.value === '' ? '(empty)' : MASK }),
    ...files,
    database,
  )
}

function row(name: string, { value, origin }: Setting<string | number>): Row {
  return { name, value: String(value), origin }
}
