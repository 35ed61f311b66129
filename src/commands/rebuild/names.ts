// Owns the names of a rebuild's tables. The names hold all the state that a later call needs.
import { usageError } from '../../model/errors.ts'
import type { SqlText } from '../../model/model.ts'
import { isKeyword, lex, unquoted } from '../../sql-syntax/lexer.ts'

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
export function renamedClusterDdl(
  [local, over]: readonly SqlText[],
  from: string,
  to: string,
): readonly SqlText[] {
  // A table that cannot be created on a cluster has none.
  if (local === undefined || over === undefined) return []
  const named = renamedDdl(over, from, to)
  const text = named.text.replace(`'${from}_local'`, `'${to}_local'`)
  return [renamedDdl(local, `${from}_local`, `${to}_local`), { ...named, text }]
}
