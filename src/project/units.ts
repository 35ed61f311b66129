// Owns what the positions of each table count: what those of its inputs count.
import { fileError } from '../model/errors.ts'
import { type SourceDefinition, type TableDefinition, XATU_COLUMNS } from '../model/model.ts'
import type { Report } from '../sql-syntax/problems.ts'
import type { TableDraft } from './definition-checks.ts'

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
