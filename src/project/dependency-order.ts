// Owns the order of tables: inputs come before the tables that read them.
import { fileError, type Report, knownNames } from '../model/errors.ts'
import type { TableDraft } from './definition-checks.ts'
import { type SourceDefinition, type TableDefinition, XATU_COLUMNS } from '../model/model.ts'

type Node = Pick<TableDraft, 'key' | 'file' | 'lines'> & {
  readonly header: Pick<TableDraft['header'], 'after'> & Partial<Pick<TableDraft['header'], 'lookups'>>
}

/** The tables, each after its inputs, else in the given order. Reports unknown keys in `after` and cycles. */
export function dependencyOrder<Table extends Node>(tables: readonly Table[], report: Report) {
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

/** The tables, in dependency order, with their units and positions. Reports a table whose inputs count different things. */
export function withUnits(
  drafts: readonly TableDraft[],
  sources: readonly SourceDefinition[],
  report: Report,
): readonly TableDraft[] {
  const known = new Map<string, TableDefinition>()
  return drafts.map((draft) => {
    const { key, file, header, lines, definition } = draft
    if (definition === undefined) return draft
    const inputs = [
      ...definition.sources.map((name) => {
        const { unit = 'block', columns = XATU_COLUMNS } = sources.find(({ table }) => table === name) ?? {}
        return { name, unit, position: unit === 'block' ? XATU_COLUMNS.position : asNumber(columns.position) }
      }),
      ...definition.after.flatMap((name) => {
        const input = known.get(name)
        return input === undefined ? [] : [{ name, unit: input.unit, position: input.position }]
      }),
    ]
    const [{ unit, position, name } = { unit: 'block' as const, ...XATU_COLUMNS, name: '' }] = inputs
    const other = inputs.find((input) => input.unit !== unit)
    if (other !== undefined) {
      const sentence = `'${name}' counts ${unit}s and '${other.name}' ${other.unit}s: a range cannot be both`
      const hint = `name the one that does not bound its ranges after --! lookup, and read as much of it as they need`
      report(
        fileError({ rule: 'E036', file, line: lines.get('after') ?? lines.get('sources'), sentence, hint }),
      )
    }
    const own = header.position === undefined ? position : asNumber(header.position)
    const whole = { ...definition, unit, position: own }
    known.set(key, whole)
    return { ...draft, definition: whole }
  })
}

/** One number, whatever the expression is; a block column as it is, so that it is found in an index as it is. */
function asNumber(position: string): string {
  return position === XATU_COLUMNS.position ? position : `toUInt64(${position})`
}
