// Owns which columns of a table can be compared, and whether its rows have to be merged to be read.
import { determinismOf } from '../clickhouse/determinism.ts'
import type { Server } from '../clickhouse/server.ts'
import type { ExistingTable } from '../clickhouse/existing-tables.ts'
import type { TableDefinition } from '../model/model.ts'
import type { OutputColumn } from '../sql-syntax/column-fit.ts'
import { significantTokens, unquoted } from '../sql-syntax/lexer.ts'
import { volatileNames } from './volatile-outputs.ts'

type ExistingColumn = ExistingTable['columns'][number]

/** A column that is not compared: the SQL or its default is nondeterministic, or the server does not say, or it has a TTL. */
export type NotCompared = { readonly name: string; readonly why: 'nondeterministic' | 'unknown' | 'ttl' }

/** Engines whose rows of one key become one row with FINAL. */
export const COLLAPSING_ENGINES = /Replacing|Collapsing|Summing|Aggregating|Coalescing/

export function isCollapsing({ engine }: { readonly engine: string }): boolean {
  return COLLAPSING_ENGINES.test(engine)
}

/** @throws BackfillError `server` */
export async function comparedColumns(
  server: Server,
  columns: readonly ExistingColumn[],
  { transform, volatile: declared = [] }: Pick<TableDefinition, 'transform' | 'volatile'>,
  described: readonly OutputColumn[],
) {
  const output = new Set(described.map(({ name }) => name))
  const volatile = new Set([...(await volatileNames(server, transform)), ...declared])
  const yielded = columns.filter(({ name }) => output.has(name))
  const computed = columns.filter(
    ({ name, defaultKind }) =>
      !output.has(name) && ['DEFAULT', 'MATERIALIZED', 'EPHEMERAL'].includes(defaultKind),
  )
  const not = await notComparable(
    server,
    computed,
    yielded.filter(({ name }) => volatile.has(name)),
  )
  const steady = computed.filter((column) => !not.some(({ name }) => name === column.name))
  const stored = [...yielded.filter(({ name }) => !volatile.has(name)), ...steady].filter(
    ({ defaultKind }) => defaultKind !== 'EPHEMERAL',
  )
  return {
    yielded,
    /** Columns with a deterministic default, EPHEMERAL ones included: others are computed from them. */
    steady,
    stored,
    not,
  }
}

async function notComparable(
  server: Server,
  columns: readonly ExistingColumn[],
  volatile: readonly ExistingColumn[],
): Promise<readonly NotCompared[]> {
  const not = new Map<string, NotCompared['why']>(volatile.map(({ name }) => [name, 'nondeterministic']))
  const determinism = await determinismOf(
    server,
    columns.map(({ expression }) => expression),
  )
  for (const [index, { name }] of columns.entries())
    if (determinism[index] !== 'deterministic') not.set(name, determinism[index]!)
  // One round per column: a column may be computed from a later one.
  for (let round = 0; round < columns.length && not.size > 0; round++)
    for (const { name, expression } of columns) {
      const words = significantTokens({ file: '', text: expression, line: 1 }).map(unquoted)
      const input = words.find((word) => not.has(word))
      if (input !== undefined && !not.has(name)) not.set(name, not.get(input)!)
    }
  return [...not].map(([name, why]) => ({ name, why }))
}
