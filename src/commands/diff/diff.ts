// Owns finding two versions of a table's SQL to compare: the version that built its ranges, and the file.
import { usageError } from '../../model/errors.ts'
import type { Island, LedgerView } from '../../ledger/events.ts'
import type { TableDefinition } from '../../model/model.ts'
import { hintOf, splitStaleTag, shortHash } from '../../ledger/stale.ts'
import { blockSet } from '../../model/blocks.ts'
import { presentSql, type StaleReport, staleReports } from '../../planning/stale-ranges.ts'
import { uuidsOf } from '../../planning/table-status.ts'
import { staleVersions } from '../../ledger/staleness.ts'
import type { SqlVersion } from '../../ledger/sql-versions.ts'
import type { Workspace } from '../../runner/workspace.ts'

export type DiffQuestion = {
  readonly fromHash: string | undefined
  readonly toHash: string | undefined
}

/**
 * Two versions of the chosen table's SQL, and the ranges that each version built. By default: the version that built
 * the most stale blocks, and the file. Reads only.
 * @throws BackfillError `usage` for a prefix of no known hash, or of several
 */
export async function sqlDiff(workspace: Workspace, { fromHash, toHash }: DiffQuestion) {
  const { ports } = workspace
  const table = workspace.chosen[0]!
  const [targets, ledger] = await Promise.all([
    ports.target.tables([table.target]),
    ports.target.ledgerState(),
  ])
  const target = targets.get(table.target)
  const [views, texts] =
    ledger === 'absent'
      ? [new Map<string, LedgerView>(), []]
      : await Promise.all([ports.ledger.fold(uuidsOf([table], targets)), ports.versions.texts(table.key)])
  const view = views.get(table.key)
  const islands: readonly Island[] = view?.islands ?? []
  const versions = staleVersions(islands, presentSql(table, workspace.network))
  const stale = await staleReports(workspace, { table, target, stale: versions })
  const current = islands.filter(({ state, sqlHash }) => state === 'done' && sqlHash === table.sqlHash)
  const sideOf = (typed: string) => sideFor(typed, { table, texts, islands })
  const from = fromHash === undefined ? defaultSide(table, { texts, stale }) : sideOf(fromHash)
  const to = toHash === undefined ? fileSide(table) : sideOf(toHash)
  return {
    table: table.key,
    target: `${ports.target.database}.${table.target}`,
    sqlHash: table.sqlHash,
    hint: hintOf(table),
    /** Done ranges that the file's SQL built. */
    current: blockSet(current),
    stale,
    from,
    to,
    change: changeOf(from, to),
  }
}

type Known = {
  readonly table: TableDefinition
  readonly texts: readonly SqlVersion[]
  readonly islands: readonly Island[]
}

function fileSide({ sqlHash, rawHash, rawText, transform }: TableDefinition): DiffSide {
  return { sqlHash, rawHash, file: transform.file, text: rawText, keptAt: undefined }
}

/** The version that built the most stale blocks; if no SQL changed, the last equivalent text unlike the file. */
function defaultSide(
  table: TableDefinition,
  { texts, stale }: { readonly texts: readonly SqlVersion[]; readonly stale: readonly StaleReport[] },
): DiffSide {
  const edited = stale.find(({ reasons }) => reasons.includes('sql'))
  if (edited !== undefined) return sideOfHash(edited.hash, texts)
  const other = texts.findLast(
    ({ sqlHash, rawHash }) => sqlHash === table.sqlHash && rawHash !== table.rawHash,
  )
  return other ?? fileSide(table)
}

/** The last text kept for an SQL hash; its ranges may have been built with an earlier equivalent text. */
function sideOfHash(sqlHash: string, texts: readonly SqlVersion[]): DiffSide {
  return texts.findLast((version) => version.sqlHash === sqlHash) ?? { ...NOTHING_KEPT, sqlHash }
}

const NOTHING_KEPT = { rawHash: undefined, file: undefined, text: undefined, keptAt: undefined } as const

function sideFor(typed: string, { table, texts, islands }: Known): DiffSide {
  const wanted = typed.toLowerCase()
  const begins = (hash: string) => wanted !== '' && hash.startsWith(wanted)
  const hashes = [
    ...new Set(
      [
        table.sqlHash,
        ...texts.map(({ sqlHash }) => sqlHash),
        ...islands.filter(({ state }) => state === 'done').map(({ sqlHash }) => splitStaleTag(sqlHash).hash),
      ].filter((hash) => hash !== ''),
    ),
  ]
  const found = hashes.filter(begins)
  const raw = texts.filter(({ rawHash }) => begins(rawHash))
  if (found.length + raw.length > 1)
    throw usageError(`several versions of ${table.key} begin with '${typed}'`, 'type more digits of the hash')
  const [hash] = found
  if (hash === table.sqlHash) return fileSide(table)
  if (hash !== undefined) return sideOfHash(hash, texts)
  if (raw[0] !== undefined) return raw[0]
  throw usageError(
    `no version of ${table.key} begins with '${typed}'`,
    `known hashes: ${hashes.map(shortHash).join(', ')}`,
  )
}

/** `form`: comments, formatting, or header lines that change no row. `unknown`: one of the texts was not kept. */
function changeOf(from: DiffSide, to: DiffSide): 'none' | 'form' | 'sql' | 'unknown' {
  if (from.text === undefined || to.text === undefined)
    return from.sqlHash === to.sqlHash ? 'none' : 'unknown'
  if (from.text === to.text) return 'none'
  return from.sqlHash === to.sqlHash ? 'form' : 'sql'
}

export type DiffSide = {
  readonly sqlHash: string
  /** Undefined, like the fields below, if no text was kept. */
  readonly rawHash: string | undefined
  readonly file: string | undefined
  readonly text: string | undefined
  /** ISO 8601 UTC; also undefined for the file as it is now. */
  readonly keptAt: string | undefined
}

export type DiffReport = Awaited<ReturnType<typeof sqlDiff>>
