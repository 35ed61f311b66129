// Owns the text of a test file made from real rows.
import type { Catalogue } from '../../model/model.ts'
import type { Cell, Row, UnitTest } from './unit-test.ts'
import { shortName } from '../../model/table-key.ts'

/** YAML that parses to the same test. */
export function testText(test: UnitTest, catalogue: Catalogue): string {
  const { description, network, range, given, expected } = test
  return [
    `description: ${scalar(description)}`,
    `network: ${scalar(network.name)}`,
    `range: ${range.from}-${range.to}`,
    'given:',
    ...[...given].flatMap(([table, rows]) => {
      const derived = catalogue.tables.find(({ target }) => target === table)
      return section(`  ${derived?.key ?? shortName(table)}:`, '    ', rows)
    }),
    ...section('expect:', '  ', expected.rows),
    '',
  ].join('\n')
}

function section(title: string, indent: string, rows: readonly Row[]): readonly string[] {
  if (rows.length === 0) return [`${title} []`]
  return [title, ...rows.map((row) => `${indent}- ${flow(row)}`)]
}

function flow(row: Row): string {
  const cells = Object.entries(row).map(([name, cell]) => `${scalar(name)}: ${value(cell)}`)
  return cells.length === 0 ? '{}' : `{ ${cells.join(', ')} }`
}

function value(cell: Cell): string {
  if (cell === null) return 'null'
  if (Array.isArray(cell)) return `[${cell.map(value).join(', ')}]`
  if (typeof cell === 'object') return flow(cell as Row)
  return scalar(String(cell))
}

/** Plain if it is unambiguous; otherwise a JSON string, which is also a YAML string. */
function scalar(text: string): string {
  return /^[\w-][\w .-]*$/.test(text) && text.trim() === text && !/^(null$|-( |$)|---)/.test(text)
    ? text
    : JSON.stringify(text)
}
