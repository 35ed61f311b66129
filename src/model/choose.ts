// Owns the choice of a network and of tables, and their inputs and sources.
import { usageError } from './errors.ts'
import type { Catalogue, BlockCoverage, Network, SqlText, TableDefinition } from './model.ts'
import { knownNames } from './did-you-mean.ts'

export type Scope = {
  readonly network: Network
  readonly catalogue: Catalogue
  /** The chosen tables, in dependency order: those of `--tables`, else all. */
  readonly chosen: readonly TableDefinition[]
}

/** The network of that name. Throws a usage error with the nearest name. */
export function findNetwork({ networks }: Pick<Catalogue, 'networks'>, name: string): Network {
  const network = networks.find((known) => known.name === name)
  const names = networks.map((known) => known.name)
  if (network === undefined)
    throw usageError(`unknown network '${name}'`, knownNames('networks', name, names))
  return network
}

/** The tables of these keys in dependency order, each once; all for no keys. Throws a usage error for an unknown key. */
export function chooseTables<Table extends { readonly key: string }>(
  { tables }: { readonly tables: readonly Table[] },
  keys: readonly string[],
): readonly Table[] {
  const known = tables.map((table) => table.key)
  const wrong = keys.find((key) => !known.includes(key))
  if (wrong !== undefined) throw usageError(`unknown table '${wrong}'`, knownNames('tables', wrong, known))
  return keys.length === 0 ? tables : tables.filter((table) => keys.includes(table.key))
}

/** The chosen tables and all tables that they read, in the catalogue's order, which is dependency order. */
export function withDependencies({ catalogue, chosen }: Scope): readonly TableDefinition[] {
  return closure(
    catalogue,
    chosen.map(({ key }) => key),
  )
}

function closure({ tables }: Catalogue, keys: readonly string[]): readonly TableDefinition[] {
  const wanted = new Set(keys)
  for (const { key, after } of tables.toReversed())
    if (wanted.has(key)) after.forEach((one) => wanted.add(one))
  return tables.filter(({ key }) => wanted.has(key))
}

/** The shortest promise of a table and of those that it reads, in seconds; undefined: none of them promises. */
export function freshnessOf(catalogue: Catalogue, { key }: TableDefinition): number | undefined {
  const promises = closure(catalogue, [key]).flatMap(({ fresh }) => fresh ?? [])
  return promises.length === 0 ? undefined : Math.min(...promises)
}

/** The tables that a transform reads, sources first; `key`: of a derived table. */
export function tablesReadBy(
  { sources, after }: Pick<TableDefinition, 'sources' | 'after'>,
  catalogue: Pick<Catalogue, 'sources' | 'tables'>,
): readonly {
  readonly side: 'source' | 'target'
  readonly key?: string
  readonly table: string
  readonly ddl: SqlText
}[] {
  const read = catalogue.sources.filter(({ table }) => sources.includes(table))
  const derived = catalogue.tables.filter(({ key }) => after.includes(key))
  return [
    ...read.map(({ table, ddl }) => ({ side: 'source' as const, table, ddl })),
    ...derived.map(({ key, target, ddl }) => ({ side: 'target' as const, key, table: target, ddl })),
  ]
}

/** The sources that a table reads through the tables in its `after`. */
export function inheritedSources({ catalogue }: Scope, { after }: TableDefinition): readonly string[] {
  return [...new Set(closure(catalogue, after).flatMap(({ sources }) => sources))]
}

/** The block coverage of a source: as set by the network, else by its file, else the default. */
export function blockCoverageOf({ network, catalogue }: Scope, source: string): BlockCoverage {
  return (
    network.blockCoverage[source] ??
    catalogue.sources.find(({ table }) => table === source)?.blockCoverage ??
    'most-blocks'
  )
}
