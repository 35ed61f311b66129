// Owns reading which done ranges of the tables are stale: what they were computed from, and what has changed since.
import { type InputChange, versionsRead, writeForks } from '../ledger/built-from.ts'
import { type Present, staleVersions } from '../ledger/staleness.ts'
import {
  hintOf,
  staleBlocks,
  type StaleReason,
  STALE_REASONS,
  type StaleVersion,
  everyForm,
  MARKS,
  withStaleTag,
} from '../ledger/stale.ts'
import type { SameSince } from '../ledger/unchanged.ts'
import { type BlockSet, countBlocks, intersect } from '../model/blocks.ts'
import { derivedInputs, readsHistory } from '../model/choose.ts'
import type { Network, TableDefinition, Unit } from '../model/model.ts'
import { forkUses } from '../sql-syntax/fork-uses.ts'
import { type Absence, hasLostRows, isUnreadable, type TableFacts } from './absence.ts'
import { expectedByDependants, resolveLimits } from './bounds.ts'
import type { ReadWorkspace } from './run-options.ts'
import type { BuiltAt } from '../ledger/sql-versions.ts'

/** What decides on a table's stale ranges, and on those of its dependants. As in `TableStatus`. */
type Facts = TableFacts & { readonly covered: BlockSet; readonly emptied: boolean }

type Stale = { readonly stale: readonly StaleVersion[] }

/** A table's inputs must be among the tables. One query, none without derived inputs; another if rows were written again. */
export async function withStale<F extends Facts>(
  { ports, network }: Pick<ReadWorkspace, 'ports' | 'network'>,
  facts: ReadonlyMap<string, F>,
): Promise<ReadonlyMap<string, F & Stale>> {
  const tables = [...facts.values()]
  const questions = versionsRead(
    tables.flatMap(({ view }) => view?.islands ?? []),
    (key) => facts.get(key)?.target?.uuid,
  )
  const changes = Map.groupBy(await ports.ledger.inputChanges(questions), ({ key }) => key)
  const staleOf = (same: ReadonlyMap<string, SameSince>) =>
    new Map(
      tables.map((table) => {
        const inputs = derivedInputs(table.table).map((key) => {
          const input = presentInput(table.table, facts.get(key)!, changes.get(key) ?? [])
          return [key, { ...input, same: same.get(key) }] as const
        })
        const present = { ...presentSql(table.table, network), inputs: new Map(inputs) }
        return [table.table.key, { ...table, stale: staleVersions(table.view?.islands ?? [], present) }]
      }),
    )
  const stale = staleOf(new Map())
  // Rows that were written again may be the same.
  const read = [...stale.values()]
    .filter((table) => reasonsOf(table.stale).includes('inputs'))
    .flatMap(({ table }) => derivedInputs(table))
  const suspects = questions.filter(
    ({ key }) => read.includes(key) && changes.has(key) && facts.get(key)!.table.rows.kind === 'per-block',
  )
  return suspects.length === 0 ? stale : staleOf(await ports.ledger.sameSince(suspects))
}

/** First block of each fork that a transform uses, and the source database that it reads, for the ledger. */
export function forksText(
  table: TableDefinition,
  { ports, network: { forks } }: Pick<ReadWorkspace, 'ports' | 'network'>,
): string {
  const names = new Set(forkUses(table).map(({ fork }) => fork))
  return writeForks(
    Object.fromEntries(Object.entries(forks).filter(([name]) => names.has(name))),
    // Files are in no database.
    (table.parameters.includes('source') && ports.source.database) || undefined,
  )
}

/** What decides on a table's rows apart from what it reads. */
export function presentSql(table: TableDefinition, network: Network): Present {
  return {
    sqlHash: table.sqlHash,
    forks: network.forks,
    forkUses: forkUses(table),
    limits: resolveLimits(table.blocks, network.forks),
    inputs: new Map(),
  }
}

/** The blocks of an input that a dependant may read now: none while some of its rows are lost, for nobody knows yet which, or while a TTL has taken all. */
export function readableBlocks(
  dependant: Pick<TableDefinition, 'history'>,
  input: Omit<Facts, 'view'> & { readonly absences: readonly Absence[]; readonly expired: boolean },
  covered?: BlockSet,
): BlockSet {
  if (input.expired) return []
  return hasLostRows(input.absences) ? [] : blocksToRead(dependant, input, covered)
}

/** The blocks of an input that a dependant reads: if it reads all rows before its own, as far as the watermark. */
function blocksToRead(
  dependant: Pick<TableDefinition, 'history'>,
  { table, bounds, covered: done, target, emptied }: Omit<Facts, 'view'>,
  covered: BlockSet = done,
): BlockSet {
  if (target === undefined || emptied) return []
  if (!readsHistory(dependant, table)) return covered
  const first = expectedByDependants(bounds)?.from ?? 0
  return covered.filter(({ from, to }) => from <= first && first <= to)
}

function presentInput(dependant: TableDefinition, input: Facts, changes: readonly InputChange[]) {
  const expected = expectedByDependants(input.bounds)
  const own = input.table.key === dependant.key
  return {
    uuid: input.emptied ? undefined : input.target?.uuid,
    perKey: own || readsHistory(dependant, input.table),
    ...(own && { own }),
    expected: own || expected === undefined ? [] : [expected],
    readable: own ? [] : blocksToRead(dependant, input),
    changes,
  }
}

export type StaleSummary = {
  readonly table: string
  readonly blocks: number
  readonly unit: Unit
  readonly reasons: readonly StaleReason[]
  /** Those of the blocks that cannot be built again. */
  readonly lost: number
  /** The command that builds them again. */
  readonly hint: string
}

/** Stale blocks that cannot be built again: what the table reads begins behind them now. What lies outside of its limits a redo takes out. */
export function lostBlocks(stale: readonly StaleVersion[], first: number | null | undefined): BlockSet {
  if (!first) return []
  const versions = stale.filter(({ reasons }) => !reasons.includes('limits'))
  return intersect(staleBlocks(versions), [{ from: 0, to: first - 1 }])
}

export function staleSummaries(
  tables: readonly (Pick<Facts, 'table' | 'bounds'> & Stale & { readonly absences: readonly Absence[] })[],
  { catalogue }: Pick<ReadWorkspace, 'catalogue'>,
): readonly StaleSummary[] {
  const unreadable = tables.filter(isUnreadable).map(({ table }) => table.key)
  return tables
    .filter(({ stale }) => stale.length > 0)
    .map(({ table, bounds, stale }) => ({
      table: table.key,
      unit: table.unit,
      blocks: stale.reduce((sum, { blocks }) => sum + countBlocks(blocks), 0),
      reasons: reasonsOf(stale),
      lost: countBlocks(
        table.after.some((key) => unreadable.includes(key))
          ? staleBlocks(stale)
          : lostBlocks(stale, bounds.expected?.from),
      ),
      hint: hintOf(table, catalogue.tables),
    }))
}

function reasonsOf(stale: readonly StaleVersion[]): readonly StaleReason[] {
  return STALE_REASONS.filter((reason) => stale.some(({ reasons }) => reasons.includes(reason)))
}

/** The stale ranges of a table, with the times of their building; sends no query if there are none. */
export async function staleReports(
  { ports }: Pick<ReadWorkspace, 'ports'>,
  { table, target, stale }: Pick<Facts, 'table' | 'target'> & Stale,
): Promise<readonly StaleReport[]> {
  if (target === undefined) return []
  return await Promise.all(
    stale.map(async (version) => {
      const { sqlHash, hash, blocks } = version
      // Marked ranges were built before they were marked.
      const isMarked = MARKS.some((tag) => sqlHash === withStaleTag(tag, hash))
      const sqlHashes = isMarked ? everyForm(hash) : [sqlHash]
      const question = { key: table.key, targetUuid: target.uuid, sqlHashes, blocks }
      return { ...version, built: (await ports.versions.built(question)) ?? null }
    }),
  )
}

export type StaleReport = StaleVersion & {
  /** When they were built, by the server's clock; null without such an event. */
  readonly built: BuiltAt | null
}
