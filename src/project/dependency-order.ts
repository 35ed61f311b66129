// Owns the order of tables: inputs come before the tables that read them.
import { fileError } from '../model/errors.ts'
import { knownNames } from '../model/did-you-mean.ts'
import type { Report } from '../sql-syntax/problems.ts'
import type { TableDraft } from './definition-checks.ts'

type Node = Pick<TableDraft, 'key' | 'file' | 'lines'> & {
  readonly header: Pick<TableDraft['header'], 'after'> & Partial<Pick<TableDraft['header'], 'lookups'>>
}

/**
 * The tables, each after its inputs (`after`), otherwise in the given order.
 * Reports an unknown key in `after` and each cycle.
 */
export function dependencyOrder<Table extends Node>(
  tables: readonly Table[],
  report: Report,
): readonly Table[] {
  const byKey = new Map(tables.map((table) => [table.key, table]))
  const ordered = new Set<Table>()
  const visit = (table: Table, path: readonly string[]): void => {
    const { key, file, header, lines } = table
    const place = { file, line: lines.get('after') }
    if (path.includes(key)) {
      const cycle = [...path.slice(path.indexOf(key)), key].join(' -> ')
      const hint = "take one of them out of an 'after' line"
      return report(
        fileError({ rule: 'E040', ...place, sentence: `tables wait for each other: ${cycle}`, hint }),
      )
    }
    if (ordered.has(table)) return
    for (const one of header.after ?? []) {
      const input = byKey.get(one)
      if (input !== undefined) visit(input, [...path, key])
      else {
        const hint = knownNames('tables', one, [...byKey.keys()])
        report(fileError({ rule: 'E041', ...place, sentence: `after: there is no table '${one}'`, hint }))
      }
    }
    // A derived table that is looked up is created before.
    for (const one of header.lookups ?? [])
      if (byKey.has(one) && !path.includes(one)) visit(byKey.get(one)!, [...path, key])
    ordered.add(table)
  }
  for (const table of tables) visit(table, [])
  return [...ordered]
}
