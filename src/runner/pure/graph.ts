// Owns the order of tables: what a table reads comes before it.
import { usageError } from '../errors.ts'
import { knownNames } from './nearest.ts'

type Node = {
  readonly key: string
  readonly after: readonly string[]
  readonly transform: { readonly file: string }
}

/**
 * The tables, each behind those it reads (`after`), otherwise in the order given.
 * Throws a usage error for a key that is there twice, for an unknown key in `after` and for a cycle.
 */
export function dependencyOrder<Table extends Node>(tables: readonly Table[]): readonly Table[] {
  const byKey = new Map<string, Table>()
  for (const table of tables) {
    const other = byKey.get(table.key)
    if (other !== undefined) {
      throw usageError(
        `${table.transform.file}: the table '${table.key}' is also in ${other.transform.file}`,
        'rename one of the two files',
      )
    }
    byKey.set(table.key, table)
  }
  const ordered = new Set<Table>()
  const visit = (table: Table, path: readonly string[]): void => {
    if (ordered.has(table)) return
    const here = [...path, table.key]
    if (path.includes(table.key)) throw cycle(table, here.slice(path.indexOf(table.key)))
    for (const key of table.after) visit(byKey.get(key) ?? unknown(table, key, [...byKey.keys()]), here)
    ordered.add(table)
  }
  for (const table of tables) visit(table, [])
  return [...ordered]
}

function cycle(table: Node, keys: readonly string[]) {
  return usageError(
    `${table.transform.file}: tables wait for each other: ${keys.join(' -> ')}`,
    "take one of them out of an 'after' line",
  )
}

function unknown(table: Node, key: string, keys: readonly string[]): never {
  throw usageError(
    `${table.transform.file}: after: there is no table '${key}'`,
    knownNames('tables', key, keys),
  )
}
