// Owns the choice of a network and of tables, and their inputs and sources.
import { usageError, knownNames } from './errors.ts'
import {
  type BlockCoverage,
  type Catalogue,
  type Network,
  type SourceColumns,
  type TableDefinition,
  XATU_COLUMNS,
} from './model.ts'

export type Scope = {
  readonly network: Network
  readonly catalogue: Catalogue
  /** The chosen tables, in dependency order: those of `--tables`, else all. */
  readonly chosen: readonly TableDefinition[]
}

export function findNetwork({ networks }: Pick<Catalogue, 'networks'>, name: string): Network {
  const network = networks.find((known) => known.name === name)
  const names = networks.map((known) => known.name)
  if (network === undefined)
    throw usageError(`unknown network '${name}'`, knownNames('networks', name, names))
  return network
}

/**
 * In dependency order, all without a selector. `address_*` is every key of that form, `tag:state` every table with such a tag, `+a` also
 * all that `a` reads, `a+` all that read it, `-a` leaves out (`--exclude`). @throws BackfillError `usage` for a selector that fits no table, or if none is left
 */
export function chooseTables<Table extends Selectable>(
  { tables }: { readonly tables: readonly Table[] },
  selectors: readonly string[],
): readonly Table[] {
  const [wanted, unwanted] = [false, true].map((isOut) =>
    selectors
      .filter((one) => one.startsWith('-') === isOut)
      .map((one) => selected(tables, one.replace(/^-/, ''))),
  ) as [Set<string>[], Set<string>[]]
  const chosen = tables.filter(
    ({ key }) =>
      (wanted.length === 0 || wanted.some((keys) => keys.has(key))) &&
      !unwanted.some((keys) => keys.has(key)),
  )
  if (chosen.length > 0 || unwanted.length === 0) return chosen
  throw usageError('--exclude leaves no table', '`backfill list` shows the tables')
}

type Selectable = {
  readonly key: string
  readonly after?: readonly string[] | undefined
  readonly tags?: readonly string[] | undefined
}

function selected(tables: readonly Selectable[], selector: string): Set<string> {
  const [, tag, pattern = ''] = /^\+?(tag:)?(.*?)\+?$/s.exec(selector)!
  const namesOf = ({ key, tags = [] }: Selectable) => (tag === undefined ? [key] : tags)
  const fitting = tables.filter((table) => namesOf(table).some((name) => fits(name, pattern)))
  const found = new Set(fitting.map(({ key }) => key))
  if (found.size === 0) {
    const [one, all] = tag === undefined ? ['table', 'tables'] : ['tag', 'tags']
    throw usageError(`unknown ${one} '${pattern}'`, knownNames(all, pattern, tables.flatMap(namesOf)))
  }
  const read = selector.startsWith('+') ? closure({ tables }, [...found]) : []
  // In dependency order: what reads a table comes behind it.
  if (selector.endsWith('+'))
    for (const { key, after = [] } of tables) if (after.some((one) => found.has(one))) found.add(key)
  return new Set([...found, ...read.map(({ key }) => key)])
}

/** `*` stands for any letters. No regular expression: a long or many-starred pattern would be refused by the engine, or take for ever. */
function fits(name: string, pattern: string): boolean {
  const [start = '', ...pieces] = pattern.split(/\*+/)
  const end = pieces.pop()
  if (end === undefined) return name === start
  let at = name.startsWith(start) ? start.length : -1
  for (const piece of pieces) {
    const found = at === -1 ? -1 : name.indexOf(piece, at)
    at = found === -1 ? -1 : found + piece.length
  }
  return at !== -1 && name.length - end.length >= at && name.endsWith(end)
}

/** The chosen tables and all tables that they read, in the catalogue's order, which is dependency order. */
export function withDependencies({ catalogue, chosen }: Scope): readonly TableDefinition[] {
  return closure(
    catalogue,
    chosen.map(({ key }) => key),
  )
}

function closure<Table extends Selectable>(
  { tables }: { readonly tables: readonly Table[] },
  keys: readonly string[],
): readonly Table[] {
  const wanted = new Set(keys)
  for (const { key, after = [] } of tables.toReversed())
    if (wanted.has(key)) after.forEach((one) => wanted.add(one))
  return tables.filter(({ key }) => wanted.has(key))
}

/** The shortest promise of a table and of those that it reads, in seconds; undefined: none of them promises. */
export function freshnessOf(catalogue: Pick<Catalogue, 'tables'>, { key }: TableDefinition) {
  const promises = closure(catalogue, [key]).flatMap(({ fresh }) => fresh ?? [])
  return promises.length === 0 ? undefined : Math.min(...promises)
}

/** The tables that a transform reads, sources first, its own with `after: itself`; `key`: of a derived table. */
export function tablesReadBy(
  table: Pick<TableDefinition, 'key' | 'sources' | 'after' | 'sequential' | 'lookups'>,
  catalogue: Pick<Catalogue, 'sources' | 'tables'>,
) {
  const { sources, lookups = [] } = table
  const inputs = derivedInputs(table)
  const read = catalogue.sources.filter(({ table: name }) => sources.includes(name) || lookups.includes(name))
  const derived = catalogue.tables.filter(
    ({ key, target }) => inputs.includes(key) || lookups.includes(key) || lookups.includes(target),
  )
  return [
    ...read.map(({ table: name, ddl, columns: { position, network } }) => {
      return { side: 'source' as const, key: undefined, table: name, ddl, position, network }
    }),
    ...derived.map(({ key, target, ddl, position }) => {
      return { side: 'target' as const, key, table: target, ddl, position, network: undefined }
    }),
  ]
}

/** Names of the tables on each side that these tables' rows depend on: sources and look-ups; the tables themselves, their inputs and look-ups. */
export function namesRead(
  tables: readonly TableDefinition[],
  catalogue: Pick<Catalogue, 'sources' | 'tables'>,
): Readonly<Record<'source' | 'target', readonly string[]>> {
  const derived = tables
    .flatMap((table) => tablesReadBy(table, catalogue))
    .filter(({ side }) => side === 'target')
  const isDerived = (name: string) => derived.some(({ key, table }) => key === name || table === name)
  const lookups = tables.flatMap((table) => table.lookups ?? []).filter((name) => !isDerived(name))
  return {
    source: [...new Set([...tables.flatMap(({ sources }) => sources), ...lookups])],
    target: [...new Set([...tables.map(({ target }) => target), ...derived.map(({ table }) => table)])],
  }
}

export function sourcesBehind(scope: Pick<Scope, 'catalogue'>, table: TableDefinition): readonly string[] {
  return [...new Set([...table.sources, ...inheritedSources(scope, table)])]
}

export function inheritedSources({ catalogue }: Pick<Scope, 'catalogue'>, { after }: TableDefinition) {
  return [...new Set(closure(catalogue, after).flatMap(({ sources }) => sources))]
}

/** What says which derived tables a table reads. */
type Inputs = Pick<TableDefinition, 'key' | 'after' | 'history' | 'sequential'>

/** The derived tables whose rows it reads: those in `after`, and maybe its own. */
export function derivedInputs({ key, after, sequential }: Inputs): readonly string[] {
  return sequential === 'itself' ? [...after, key] : after
}

/** The derived tables that it reads from their first position on, itself too. */
export function historyOf({ key, history = [], sequential }: Inputs): readonly string[] {
  return sequential === 'itself' ? [...history, key] : history
}

/** Whether a table reads all rows of an input up to its own: then it waits for all of them. */
export function readsHistory(
  { history = [] }: Pick<TableDefinition, 'history'>,
  input: Pick<TableDefinition, 'key' | 'rows'>,
): boolean {
  return input.rows.kind === 'per-key' || history.includes(input.key)
}

/** The block coverage of a source: as set by the network, else by its file, else the default. */
export function blockCoverageOf({ network, catalogue }: Scope, source: string): BlockCoverage {
  return (
    network.blockCoverage[source] ??
    catalogue.sources.find(({ table }) => table === source)?.blockCoverage ??
    'most-blocks'
  )
}

export function columnsOf({ sources }: Pick<Catalogue, 'sources'>, source: string): SourceColumns {
  return sources.find(({ table }) => table === source)?.columns ?? XATU_COLUMNS
}

/** Shortest run of positions without any row that counts as a source gap: the longest that one of the table's sources has. */
export function gapOf(
  { network, catalogue }: Pick<Scope, 'network' | 'catalogue'>,
  { sources, unit }: Pick<TableDefinition, 'sources' | 'unit'>,
): number {
  const usual = unit === 'block' ? network.sourceGapBlocks : SOURCE_GAP_SECONDS
  const own = catalogue.sources.filter(({ table }) => sources.includes(table))
  return own.length === 0 ? usual : Math.max(...own.map(({ gap }) => gap ?? usual))
}

/** Sources have a row every few seconds, minutes or hours: only a day without any is a gap. */
const SOURCE_GAP_SECONDS = 86_400
