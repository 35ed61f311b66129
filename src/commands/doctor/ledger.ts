// Owns the check of the ledger: the latest checkpoint plus later events must give the same fold as all events.
import { sleep } from '../../seam/clock.ts'
import { assertKept } from '../../clickhouse/table-identity.ts'
import type { Island, LedgerView } from '../../ledger/events.ts'
import { foldQuery } from '../../ledger/fold.ts'
import { ledgerReader } from '../../ledger/reader.ts'
import { type LockOptions, openLocks } from '../../lock/lock.ts'
import {
  blockSet,
  rangeFlags,
  type BlockSet,
  hull,
  subtract,
  union,
  namedBlocks,
} from '../../model/blocks.ts'
import type { TableDefinition } from '../../model/model.ts'
import { hasUnknownRows } from '../../planning/absence.ts'
import { uuidsOf } from '../../planning/table-status.ts'
import { misfitOfFile } from '../../targets/check-columns.ts'
import { plainInputsError } from '../../targets/plain-inputs.ts'
import { openTarget, type TargetPort, type TargetTable } from '../../targets/target.ts'
import { count } from '../../terminal/render/format.ts'
import { type Finding, findings } from './finding.ts'

type LedgerQuestion = LockOptions & { readonly tables: readonly TableDefinition[] }

/** A run may append an event between the two folds, so differing tables are read again. */
const TRIES = 3

const PAUSE_MS = 300

export async function checkFold(question: LedgerQuestion): Promise<readonly Finding[]> {
  const { server, names, network, exclusive, tables } = question
  const { ok } = findings('fold', names.ledger)
  const target = openTarget({ server, names })
  await assertKept(server, names)
  const state = await target.ledgerState()
  const targets = await target.tables(tables.map((table) => table.target))
  const uuids = uuidsOf(tables, targets)
  const first = state === 'absent' ? NOTHING : await foldTwice(question, uuids)
  const unknown = tables.flatMap((table) => {
    const present = targets.get(table.target)
    const view = first.views.get(table.key)
    if (present === undefined || !hasUnknownRows(table, present, view)) return []
    const found = `${server.connection.database}.${table.target} has ${present.rows} rows of which this ledger knows nothing`
    const hint = `backfill status --tables ${table.key} names the ways out`
    return [findings('unknown-rows', table.key).fail(found, hint)]
  })
  const others = [...unknown, ...(await misfitFindings(target, tables, targets))]
  if (state === 'absent') return [ok('there is no ledger yet; `backfill up` creates it'), ...others]
  let { wrong } = first
  for (let tries = 1; wrong.size > 0 && tries < TRIES; tries++) {
    await sleep(PAUSE_MS)
    wrong = (await foldTwice(question, new Map([...uuids].filter(([key]) => wrong.has(key))))).wrong
  }
  if (wrong.size === 0)
    return [ok(`checkpoints and events of ${count(uuids.size, 'table')} agree`), ...others]
  const holders = await openLocks({ server, names, network, exclusive }).holders()
  const disagreeing = tables.flatMap(({ key, rows }) => {
    const blocks = wrong.get(key)
    if (blocks === undefined) return []
    const { warn, fail } = findings('fold', key)
    const which = namedBlocks(blocks)
    if (holders.get(key)?.released === false)
      return [warn(`${which} are being written; ask again when the run has ended`, 'backfill doctor')]
    const { from, to } = hull(blocks)!
    const heal = rows.kind === 'per-block' ? `redo ${key} ${rangeFlags({ from, to })}` : `rebuild ${key}`
    const found = `the checkpoint and the events before it disagree about ${which}: somebody changed the ledger`
    return [fail(found, `backfill ${heal}`)]
  })
  return [...disagreeing, ...others]
}

/** One for each table that is not as its file says, that must not be written to on a cluster, or that reads such a table with FINAL, so that `up` leaves it out. */
async function misfitFindings(
  target: TargetPort,
  tables: readonly TableDefinition[],
  targets: ReadonlyMap<string, TargetTable>,
): Promise<readonly Finding[]> {
  const found: Finding[] = []
  for (const table of tables) {
    const present = targets.get(table.target)
    if (present === undefined) continue
    const known = { catalogue: { tables }, database: target.database, targets }
    const { fail } = findings('misfit', table.key)
    const { problem } = present
    if (problem !== undefined) found.push(fail(`${table.target} ${problem.sentence}`, problem.hint))
    const misfit = (await misfitOfFile(target, table, present)) ?? plainInputsError(table, known)
    if (misfit !== undefined) found.push(fail(misfit.message, misfit.hint!))
  }
  return found
}

type Folded = {
  readonly views: ReadonlyMap<string, LedgerView>
  /** Table key -> blocks on which the two folds disagree; tables without such blocks are absent. */
  readonly wrong: ReadonlyMap<string, BlockSet>
}

const NOTHING: Folded = { views: new Map(), wrong: new Map() }

async function foldTwice(
  { server, names, network }: LedgerQuestion,
  uuids: ReadonlyMap<string, string>,
): Promise<Folded> {
  if (uuids.size === 0) return NOTHING
  const all = { network, uuids, fromCheckpoint: false }
  const db = server.during('folding the ledger from its first event').withSchema(names.ledger)
  const [views, rows] = await Promise.all([
    ledgerReader({ server, names, network }).fold(uuids),
    foldQuery(db, all).execute(),
  ])
  const fromFirst = Map.groupBy(rows, (row) => row.table_key)
  const compared = [...views].map(
    ([key, { islands }]) => [key, differing(islands, fromFirst.get(key) ?? [])] as const,
  )
  return { views, wrong: new Map(compared.filter(([, blocks]) => blocks.length > 0)) }
}

/** Blocks whose state or SQL differs between the folds, however their ranges are cut. */
export function differing(one: readonly Island[], other: readonly Island[]): BlockSet {
  const [left, right] = [Map.groupBy(one, stateAndSql), Map.groupBy(other, stateAndSql)]
  return [...new Set([...left.keys(), ...right.keys()])].reduce<BlockSet>((all, key) => {
    const [a, b] = [blockSet(left.get(key) ?? []), blockSet(right.get(key) ?? [])]
    return union(all, union(subtract(a, b), subtract(b, a)))
  }, [])
}

function stateAndSql({ state, sqlHash }: Island): string {
  return `${state} ${sqlHash}`
}
