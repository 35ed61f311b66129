// Owns the workspace of a rebuild: the new table takes the place of the target, under the lock of the rebuild.
import { createHash } from 'node:crypto'
import type { TableDefinition } from '../../model/model.ts'
import type { Lock } from '../../lock/lock.ts'
import { buildingName, type BuildOf, renamedDdl } from './names.ts'
import { significantTokens } from '../../sql-syntax/lexer.ts'
import type { Workspace } from '../../runner/workspace.ts'
import type { RebuildOptions } from './report.ts'
import type { RebuildPort } from './tables.ts'
import type { VerifyPorts } from '../verify/ports.ts'
import type { UpHooks } from '../../runner/up.ts'

/** The identity of the build that replaces the table with this UUID. */
export function buildOf(table: TableDefinition, uuid: string): BuildOf {
  const words = significantTokens(table.ddl).map(({ text }) => text)
  const fileHash = createHash('sha256')
    .update(`${words.join(' ')}\n${table.sqlHash}`)
    .digest('hex')
  return { target: table.target, uuid, fileHash }
}

/** The workspace in which the table's name and DDL are those of the new table, and so are its UUID and its events. */
export function workspaceOf(workspace: Workspace, table: TableDefinition, build: BuildOf): Workspace {
  const target = buildingName(build)
  const building = { ...table, target, ddl: renamedDdl(table.ddl, table.target, target) }
  const tables = workspace.catalogue.tables.map((one) => (one.key === table.key ? building : one))
  return { ...workspace, catalogue: { ...workspace.catalogue, tables }, chosen: [building] }
}

/** A lock that its borrower cannot release. */
export function lend(lock: Lock): Lock {
  return {
    key: lock.key,
    get name() {
      return lock.name
    },
    get epoch() {
      return lock.epoch
    },
    nextSeq: () => lock.nextSeq(),
    renew: () => lock.renew(),
    release: async () => {},
  }
}

/** A workspace whose locks lend the held lock. */
export function withLock(workspace: Workspace, lock: Lock): Workspace {
  const { locks } = workspace.ports
  const acquire: typeof locks.acquire = async (key, note, waitMs) =>
    key === lock.key ? lock : await locks.acquire(key, note, waitMs)
  return { ...workspace, ports: { ...workspace.ports, locks: { ...locks, acquire } } }
}

export type RebuildPorts = VerifyPorts & { readonly rebuild: RebuildPort }

/** The context of all steps. */
export type Rebuilding = {
  readonly workspace: Workspace
  readonly ports: RebuildPorts
  readonly table: TableDefinition
  readonly options: RebuildOptions
  readonly hooks: UpHooks
  /** Held until the end; the run that fills the new table borrows it. */
  readonly lock: Lock
  readonly note: (text: string) => void
}
