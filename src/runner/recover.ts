// Owns recovery: blocks that a dead run or a failed attempt left partly written are made safe to run again.
import pLimit from 'p-limit'
import { failedError } from '../model/errors.ts'
import { blockSet, type BlockSet, hull, intersect, namedBlocks, subtract, union } from '../model/blocks.ts'
import type { RowsKind, TableDefinition } from '../model/model.ts'
import type { Attempt } from '../ledger/events.ts'
import { rangeOf } from '../ledger/staleness.ts'
import type { Lock } from '../lock/lock.ts'
import { heldBy } from '../lock/watch.ts'
import { prunedBlocks } from '../sources/changes.ts'
import { readFingerprint, writeFingerprint } from '../sources/fingerprint.ts'
import { readSame, readsOf, type TableReads } from './chunk-inputs.ts'
import type { RunContext } from './prepare.ts'
import type { TableRun } from './table-run.ts'
import type { Ports } from './workspace.ts'

/**
 * Under the table's lock: kills what still runs of the attempts, deletes their rows if `remedyFor` says so, and adds to `run.mixed` what cannot be
 * deleted and may differ. Resolves with sentences. @throws BackfillError `failed` if only a rebuild, a grant or source rows help: nothing is deleted
 */
export async function recover(run: TableRun, dirty: BlockSet, context: RunContext): Promise<string> {
  const { ports, runId, retryPolicy } = context
  const { table, target, bounds } = run.tableStatus
  const { uuid, engine } = target!
  const lock = run.lock!
  const attempts = await ports.ledger.attempts(table.key, uuid, dirty)
  await endAttempts(ports, lock, attempts)
  await ports.executor.endDeletions(table, lock)

  const since = await changesSince(ports, { table, ...readsOf(run.tableStatus, context) }, attempts)
  const changes = since.map(({ kind }) => kind)
  // Rows replace those of the same shard only.
  const replacing = engine.includes('Replacing') && !(await isMoved(ports, run.tableStatus, attempts))
  const remedies = attempts.map(({ suspect }, index) =>
    remedyFor({ replacing, rows: table.rows, unchanged: changes[index] === undefined, suspect }),
  )
  const blocksOf = (wanted: Remedy): BlockSet =>
    blockSet(attempts.flatMap(({ blocks }, index) => (remedies[index] === wanted ? blocks : [])))

  if (remedies.includes('stop'))
    throw failedError(
      `${table.key} has half-written ${namedBlocks(blocksOf('stop'))}, and its engine ${engine} does not replace rows`,
      'Drop the table and run backfill up: it is built again from the start',
    )
  // Rows of blocks that the table holds no more are deleted and not built again.
  const tried = blockSet(attempts.flatMap(({ blocks }) => blocks))
  const outside = table.rows.kind === 'per-block' ? subtract(tried, [rangeOf(bounds.limits)]) : []
  const deleted = union(blocksOf('clean'), outside)
  const asked = intersect(
    deleted,
    blockSet(attempts.flatMap(({ suspect, blocks }) => (suspect ? blocks : []))),
  )
  if (deleted.length > 0) {
    const pruned = subtract(blockSet(since.flatMap(({ gone }) => gone)), outside)
    if (pruned.length > 0)
      throw failedError(
        `the sources no longer hold ${namedBlocks(pruned)} of ${table.key}: deleting would lose rows`,
        'Bring the source rows back, or take the half-written blocks as they are: nothing was deleted',
      )
    const job = { table, ranges: deleted, targetUuid: uuid, lock, asked: asked.length > 0, retryPolicy }
    await ports.executor.clean(job)
    // A proxy may deliver the DELETE once more, when the rows are there again: its lock epoch is over then.
    await lock.renew()
    const cleaned = {
      event: 'cleaned',
      targetUuid: uuid,
      runId,
      sqlHash: table.sqlHash,
      blocks: deleted,
    } as const
    await ports.ledger.appendEach(lock, cleaned, retryPolicy)
  }
  const stale = blocksOf('rerun-stale')
  run.mixed = union(run.mixed, stale)
  // A requested deletion needs no reason.
  const why = changes.find((change, index) => change !== undefined && !attempts[index]!.suspect)
  const parts = [
    said(
      subtract(dirty, blockSet([...deleted, ...stale])),
      (again) => `runs the half-written ${again} again`,
    ),
    said(subtract(asked, outside), (blocks) => `has deleted ${blocks}, to build them again`),
    said(outside, (blocks) => `has deleted ${blocks}, which it holds no more`),
    said(subtract(deleted, union(asked, outside)), (found) => `has deleted the half-written ${found}`),
    said(stale, (blocks) => `runs ${blocks} again, although their old rows cannot be deleted`),
  ]
  return parts.flat().join('; ') + (why === undefined ? '' : ` (${CHANGE_WORDS[why]} since)`)
}

/** Whether a Distributed table would put the rows of the attempts on other shards now: its shards, their weights or its key have changed. */
async function isMoved(
  { target: port }: Ports,
  { table: { rows, position }, target }: TableRun['tableStatus'],
  attempts: readonly Attempt[],
): Promise<boolean> {
  // Those of which a person asked for a deletion are deleted wherever they are.
  const within = hull(blockSet(attempts.flatMap(({ blocks, suspect }) => (suspect ? [] : blocks))))
  if (rows.kind === 'per-key' || target?.sharding === undefined || within === undefined) return false
  return (await port.misplacedRows(target.sharding, { ...within, position })) > 0
}

function said(blocks: BlockSet, sentence: (blocks: string) => string): readonly string[] {
  return blocks.length === 0 ? [] : [sentence(namedBlocks(blocks))]
}

/** `pruned`: a source no longer holds rows that the attempt read. */
const CHANGE_WORDS = {
  sql: 'the SQL has changed',
  forks: 'a fork that it uses has another block, or the source database is another',
  inputs: 'the tables that it reads have changed',
  source: 'source rows have changed',
  pruned: 'source rows were pruned',
} as const

/** Limits parallel queries: each reads two columns of the sources, and a long range has many attempts. */
const AT_ONCE = 8

/** `gone`: blocks of the attempt whose source rows are lost. */
type Change = { readonly kind: keyof typeof CHANGE_WORDS | undefined; readonly gone: BlockSet }

/** Undefined: a new attempt would read and write the same. Blocks whose neighbours were pruned are not `pruned`. */
export async function changesSince(
  { source, ledger }: Ports,
  { table, forks, inputs }: TableReads & { readonly table: TableDefinition },
  attempts: readonly Attempt[],
): Promise<readonly Change[]> {
  const changeSince = async (attempt: Attempt): Promise<Change> => {
    const { range, blocks, sourceFingerprint } = attempt
    const sources = await source.fingerprint(table.sources, range)
    const before = readFingerprint(sourceFingerprint)
    const gone = intersect(blocks, await prunedBlocks(source, range, { before, now: sources }))
    const of = (kind: Change['kind']) => ({ kind, gone })
    if (gone.length > 0) return of('pruned')
    if (attempt.sqlHash !== table.sqlHash) return of('sql')
    if (attempt.forks !== forks) return of('forks')
    if (writeFingerprint(sources) !== sourceFingerprint) return of('source')
    return of((await readSame({ ledger }, { table, inputs }, attempt)) ? undefined : 'inputs')
  }
  const slots = pLimit(AT_ONCE)
  return await Promise.all(attempts.map((attempt) => slots(() => changeSince(attempt))))
}

/** Those that have not finished. @throws BackfillError `failed` if the user may not look; `locked` if one was made under a later lock epoch */
export async function endAttempts({ queries }: Ports, lock: Lock, all: readonly Attempt[]): Promise<void> {
  const { key } = lock
  // The fence refuses what we write, but a KILL has none: whoever read the locks long ago has taken an epoch below the owner's.
  if (all.some(({ epoch }) => epoch > lock.epoch)) throw heldBy(key, undefined)
  const attempts = all.filter(({ finished }) => !finished)
  const users = [...new Set(attempts.map(({ user }) => user))]
  for (const user of users)
    if (!(await queries.canEnd(user)))
      throw failedError(
        `${key}: an earlier run as user '${user}' may still be writing, and you may not look`,
        'GRANT SELECT ON system.processes, KILL QUERY ON *.* TO your user, or run backfill up as that user',
      )
  await queries.end(attempts.map(({ queryId }) => queryId))
}

export type DirtyCase = {
  /** Whether the target's engine keeps one row per key (any Replacing…MergeTree). */
  readonly replacing: boolean
  readonly rows: RowsKind
  /** Whether the attempt used the SQL and the source rows that a new attempt would use. */
  readonly unchanged: boolean
  /** As in `Found`. */
  readonly suspect: boolean
}

/**
 * `rerun`: the new rows are equal and replace the old ones. `clean`: delete the old rows first. `rerun-stale`: rows of the
 * old attempt cannot be deleted and may differ from the new rows; run again and tag the range as stale. `stop`: old and
 * new rows cannot be distinguished; only a rebuild fixes it.
 */
export type Remedy = 'rerun' | 'clean' | 'rerun-stale' | 'stop'

export function remedyFor({ replacing, rows, unchanged, suspect }: DirtyCase): Remedy {
  const same = unchanged && !suspect
  if (rows.kind === 'per-block') return replacing && same && rows.deletedFirst !== true ? 'rerun' : 'clean'
  if (!replacing) return 'stop'
  return same ? 'rerun' : 'rerun-stale'
}
