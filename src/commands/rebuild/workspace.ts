// Owns the workspace of a rebuild: the new table takes the place of the target, under the lock of the rebuild. The names of a rebuild's tables
// hold all the state that a later call needs.
import { hash } from 'node:crypto'
import type { SqlText, TableDefinition } from '../../model/model.ts'
import type { Lock } from '../../lock/lock.ts'
import { lex, significantTokens, unquoted, isKeyword } from '../../sql-syntax/lexer.ts'
import { tableReads } from '../../sql-syntax/table-refs.ts'
import type { Workspace } from '../../runner/workspace.ts'
import type { UpOptions } from '../../planning/run-options.ts'
import type { Connected } from '../../workspace/connect.ts'
import type { UpHooks } from '../../runner/up.ts'
import { usageError } from '../../model/errors.ts'

export function buildOf(table: TableDefinition, uuid: string): BuildOf {
  const words = significantTokens(table.ddl).map(({ text }) => text)
  const texts = [words.join(' '), table.sqlHash, ...table.clusterDdl.map(({ text }) => text)]
  return { target: table.target, uuid, fileHash: hash('sha256', texts.join('\n')) }
}

/** The workspace in which the table's name and DDL are those of the new table, and so are its UUID and its events. */
export function workspaceOf(workspace: Workspace, table: TableDefinition, build: BuildOf): Workspace {
  const target = buildingName(build)
  const building = {
    ...table,
    target,
    ddl: renamedDdl(table.ddl, table.target, target),
    clusterDdl: renamedClusterDdl(table.clusterDdl, table.target, target),
    transform: ownReadsRenamed(table.transform, table.target, target),
    audits: table.audits?.map((audit) => ownReadsRenamed(audit, table.target, target)) ?? [],
  }
  const tables = workspace.catalogue.tables.map((one) => (one.key === table.key ? building : one))
  return { ...workspace, catalogue: { ...workspace.catalogue, tables }, chosen: [building] }
}

/** A transform that reads earlier rows of its table, or an audit, with another name for that table, also before its columns (`t.x`). */
export function ownReadsRenamed(sql: SqlText, own: string, target: string): SqlText {
  const tokens = significantTokens(sql)
  const reads = tableReads(sql).filter(({ parameter, table }) => parameter === 'target' && table === own)
  const names = new Set(reads.map(({ to }) => tokens[to - 1]!.end))
  const others = tokens.flatMap((token, at) =>
    token.kind !== 'string' &&
    unquoted(token) === own &&
    !names.has(token.end) &&
    tokens[at - 1]?.text !== '.'
      ? [{ end: token.end, isBeforeColumn: tokens[at + 1]?.text === '.' }]
      : [],
  )
  // An alias or a CTE of that name is what stands before the columns.
  const isOnlyTable = others.every(({ isBeforeColumn }) => isBeforeColumn)
  const renamed = new Set([...names, ...(isOnlyTable ? others.map(({ end }) => end) : [])])
  const text = [...lex(sql)].map((token) => (renamed.has(token.end) ? target : token.text)).join('')
  return { ...sql, text }
}

/** A workspace that lends the held lock: its borrower cannot release it. */
export function withLock(workspace: Workspace, lock: Lock): Workspace {
  const { locks } = workspace.ports
  // Not a copy: `name` and `epoch` change when the lock is renewed.
  const lent = Object.create(lock, { release: { value: async () => {} } }) as Lock
  const acquire: typeof locks.acquire = async (key, ...how) =>
    key === lock.key ? lent : await locks.acquire(key, ...how)
  return { ...workspace, ports: { ...workspace.ports, locks: { ...locks, acquire } } }
}

export type RebuildOptions = {
  readonly up: UpOptions
  readonly sample: number
  readonly seed: number
  /** Drop the old table at the end. If an earlier rebuild kept an old table, drop that one and do nothing else. */
  readonly dropOld: boolean
}

export type Rebuilding = {
  readonly workspace: Workspace
  readonly ports: Connected
  readonly table: TableDefinition
  readonly options: RebuildOptions
  readonly hooks: UpHooks
  readonly lock: Lock
  readonly note: (text: string) => void
}

/**
 * `building`: being built, from the file as it was then. `ready`: built, and renamed under a lock epoch for one
 * EXCHANGE. A table whose UUID is the one in its name is already the old table, because EXCHANGE moves UUIDs with the
 * data. `old`: replaced and kept.
 */
export type TableRole = {
  readonly state: 'building' | 'ready' | 'old'
  /** First eight digits of the UUID of the table that it replaces. */
  readonly replaces: string
}

export type BuildOf = {
  readonly target: string
  readonly uuid: string
  /** Hash of the file, DDL and transform, in hex. */
  readonly fileHash: string
}

export function buildingName({ target, uuid, fileHash }: BuildOf): string {
  return `${target}__rebuild_${short(uuid)}_${short(fileHash)}`
}

/** For one EXCHANGE: if it is delivered late, after a later epoch has begun, no table has this name. */
export function readyName(build: BuildOf, epoch: number): string {
  return `${buildingName(build)}_${epoch}`
}

export function oldName(target: string, uuid: string): string {
  return `${target}__old_${short(uuid)}`
}

/** The role that a table's name encodes; undefined for other names. */
export function readRole(target: string, name: string): TableRole | undefined {
  if (!name.startsWith(`${target}__`)) return undefined
  const rest = name.slice(target.length)
  const [, replaced, , epoch] = /^__rebuild_([0-9a-f]{8})_([0-9a-f]{8})(_\d+)?$/.exec(rest) ?? []
  if (replaced !== undefined) return { state: epoch === undefined ? 'building' : 'ready', replaces: replaced }
  const [, old] = /^__old_([0-9a-f]{8})$/.exec(rest) ?? []
  return old === undefined ? undefined : { state: 'old', replaces: old }
}

export function isOf(uuid: string, replaces: string): boolean {
  return short(uuid) === replaces
}

function short(text: string): string {
  return text.slice(0, 8)
}

/** @throws BackfillError `usage` if the statement does not create `from` */
export function renamedDdl(ddl: SqlText, from: string, to: string): SqlText {
  const tokens = [...lex(ddl)]
  const body = tokens.findIndex(({ text }) => text === '(')
  const at = tokens.findLastIndex(
    (token, index) => index < body && ['word', 'identifier'].includes(token.kind) && unquoted(token) === from,
  )
  if (at === -1 || !tokens.some((token) => isKeyword(token, 'CREATE')))
    throw usageError(`${ddl.file}:${ddl.line}: the DDL does not create '${from}'`)
  return { ...ddl, text: tokens.map((token, index) => (index === at ? to : token.text)).join('') }
}

/** The same for the two statements of a cluster: the local table, and the Distributed one over it. */
function renamedClusterDdl([local, over]: readonly SqlText[], from: string, to: string): readonly SqlText[] {
  // A table that cannot be created on a cluster has none.
  if (local === undefined || over === undefined) return []
  const named = renamedDdl(over, from, to)
  const text = named.text.replace(`'${from}_local'`, `'${to}_local'`)
  return [renamedDdl(local, `${from}_local`, `${to}_local`), { ...named, text }]
}
