// Owns the order of tables: inputs come before the tables that read them.
import { type BackfillError, fileError } from '../model/errors.ts'
import { knownNames } from '../model/did-you-mean.ts'
import { refuse, type Report } from '../sql-syntax/problems.ts'

export type GraphNode = {
  readonly key: string
  readonly after: readonly string[]
  /** Its file, and the line of `after` there. */
  readonly place: { readonly file: string; readonly line?: number | undefined }
}

/**
 * The tables, each after its inputs (`after`), otherwise in the given order.
 * Reports a duplicate key, an unknown key in `after` and each cycle.
 */
export function dependencyOrder<Table>(
  tables: readonly Table[],
  nodeOf: (table: Table) => GraphNode,
  report: Report = refuse,
): readonly Table[] {
  const byKey = new Map<string, { readonly table: Table; readonly node: GraphNode }>()
  for (const table of tables) {
    const node = nodeOf(table)
    const other = byKey.get(node.key)
    if (other === undefined) byKey.set(node.key, { table, node })
    else report(twice(node, other.node))
  }
  const ordered = new Set<Table>()
  const seen = new Set<string>()
  const visit = ({ table, node }: { table: Table; node: GraphNode }, path: readonly string[]): void => {
    const here = [...path, node.key]
    if (path.includes(node.key)) return report(cycle(node, here.slice(path.indexOf(node.key))))
    if (seen.has(node.key)) return
    for (const key of node.after) {
      const input = byKey.get(key)
      if (input === undefined) report(unknown(node, key, [...byKey.keys()]))
      else visit(input, here)
    }
    seen.add(node.key)
    ordered.add(table)
  }
  for (const each of byKey.values()) visit(each, [])
  return [...ordered]
}

function twice({ key, place }: GraphNode, other: GraphNode): BackfillError {
  const sentence = `the table '${key}' is also in ${other.place.file}`
  return fileError({ rule: 'E012', file: place.file, sentence, hint: 'rename one of the two files' })
}

function cycle({ place }: GraphNode, keys: readonly string[]): BackfillError {
  return fileError({
    rule: 'E040',
    ...place,
    sentence: `tables wait for each other: ${keys.join(' -> ')}`,
    hint: "take one of them out of an 'after' line",
  })
}

function unknown({ place }: GraphNode, key: string, keys: readonly string[]): BackfillError {
  return fileError({
    rule: 'E041',
    ...place,
    sentence: `after: there is no table '${key}'`,
    hint: knownNames('tables', key, keys),
  })
}
