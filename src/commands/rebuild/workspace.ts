// Owns the workspace of a rebuild: the new table takes the place of the target, under the lock of the rebuild.
import { createHash } from 'node:crypto'
import type { SqlText, TableDefinition } from '../../model/model.ts'
import type { Lock } from '../../lock/lock.ts'
import { buildingName, type BuildOf, renamedClusterDdl, renamedDdl } from './names.ts'
import { lex, significantTokens, unquoted } from '../../sql-syntax/lexer.ts'
import { tableReads } from '../../sql-syntax/table-refs.ts'
import type { Workspace } from '../../runner/workspace.ts'
import type { UpOptions } from '../../planning/run-options.ts'
import type { Connected } from '../../workspace/connect.ts'
import type { UpHooks } from '../../runner/up.ts'

export function buildOf(table: TableDefinition, uuid: string): BuildOf {
  const words = significantTokens(table.ddl).map(({ text }) => text)
  const fileHash = createHash('sha256')
    .update([words.join(' '), table.sqlHash, ...table.clusterDdl.map(({ text }) => text)].join('\n'))
    .digest('hex')
  return { target: table.target, uuid, fileHash }
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
