// Owns `backfill test --new <table>`: it writes a test file of real rows from the configured servers.
import { EXIT } from '../../model/errors.ts'
import { type Catalogue, shortName } from '../../model/model.ts'
import { readScope } from '../../workspace/open.ts'
import { assertPositions } from '../../workspace/run-options.ts'
import { nonEmpty, readFlag } from '../../workspace/values.ts'
import { typedRange } from '../../terminal/one-table-one-range.ts'
import { type Context, withConnections } from '../../session/session.ts'
import { count } from '../../terminal/render/format.ts'
import { printableJson } from '../../terminal/render/printable.ts'
import type { Row } from './rows.ts'
import type { UnitTest } from './test-case.ts'
import { formatRange, isTime } from '../../model/blocks.ts'

export async function newTest(context: Context): Promise<number> {
  const { config, flags, output } = context
  const { testPath } = await import('./test-case.ts')
  const { assertAbsent, writeNewFiles } = await import('../../project/written-files.ts')
  const { readRealRows } = await import('./real-rows.ts')
  const range = typedRange(flags, '--new')
  const folder = config.sql.value.at(-1)!
  const { catalogue, network, chosen } = await readScope(config, [readFlag(flags, 'new', nonEmpty) ?? ''])
  assertPositions(chosen, flags)
  const table = chosen[0]!
  const path = testPath(folder, table.key, `${network.name}-${range.from}-${range.to}`)
  await assertAbsent(path)

  const rows = await withConnections(context, (connections) =>
    readRealRows(connections, { table, network, range }, catalogue),
  )
  const blocks = isTime(range.from) ? formatRange(range) : `Blocks ${range.from} to ${range.to}`
  const description = `${blocks} of ${network.name}`
  const expected = { columns: [], rows: rows.expected }
  const test = { name: '', file: path, description, table, network, range, given: rows.given, expected }
  const [written] = await writeNewFiles(folder, new Map([[path, testText(test, catalogue)]]))
  const read = [...rows.given.values()].reduce((sum, list) => sum + list.length, 0)
  output.result([
    `Wrote ${written}: ${count(read, 'given row')}, ${count(rows.expected.length, 'expected row')}.`,
  ])
  output.message([
    'The expected rows are what the transform yields today. Check them, and say in the description what they prove.',
  ])
  return EXIT.ok
}

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

/** JSON is YAML; with less quotes and more blanks it is easier to read. */
function flow(row: Row): string {
  return JSON.stringify(row).replaceAll(
    /"(?:[^"\\]|\\.)*"|[{}:,]/g,
    (token) => BLANKS[token] ?? scalar(JSON.parse(token) as string),
  )
}

const BLANKS: Readonly<Record<string, string>> = { '{': '{ ', '}': ' }', ':': ': ', ',': ', ' }

/** Plain if it is unambiguous; otherwise a JSON string, which is also a YAML string, but for one that quotes a lot. */
function scalar(text: string): string {
  return /^[\w-][\w .-]*$/.test(text) && text.trim() === text && !/^(null$|-( |$)|---)/.test(text)
    ? text
    : /^[^'\p{C}]*"[^'\p{C}]*$/u.test(text)
      ? `'${text}'`
      : printableJson(JSON.stringify(text)) // direction marks of a stranger's rows would turn what a reviewer reads
}
