// Owns the judgement of a world: what must hold whatever has happened. It computes by itself what the program should have
// left, from the ledger's events and the rows, and never asks the program.
import type { TableStatus } from '../../src/planning/table-status.ts'
import { type BlockSet, intersect } from '../../src/model/blocks.ts'
import { DIGEST_ONLY } from '../../src/ledger/events.ts'
import { comparePositions, fold } from './fold.ts'
import { BLOCKS, type Key, type LedgerRow, type Row, type Target, type World } from './world.ts'

/** The latest event over each block, by all events and no checkpoint. */
export function latest(
  world: World,
  { key, uuid }: Pick<Target, 'key' | 'uuid'>,
  counts: (row: LedgerRow) => boolean = ({ event }) => event !== 'checkpoint',
): ReadonlyMap<number, LedgerRow> {
  const found = new Map<number, LedgerRow>()
  for (const row of world.ledger)
    if (row.table_key === key && row.target_uuid === uuid && counts(row))
      for (let block = Math.max(1, row.range_from); block <= Math.min(BLOCKS, row.range_to); block++) {
        const before = found.get(block)
        if (before === undefined || comparePositions(row, before) >= 0) found.set(block, row)
      }
  return found
}

/** What a run must not say where nobody has taken rows away. */
export function blames(outcome: string, pid: number, isRestored: boolean): readonly string[] {
  const isBlame = /was it truncated|something else has written rows/
  const isUnknown = !isRestored && /of which this ledger knows nothing|was a partition dropped/.test(outcome)
  return [
    ...(isUnknown || isBlame.test(outcome) ? [`a run blames somebody who did nothing: ${outcome}`] : []),
    ...(outcome.includes(`locked by process ${pid} on`) ? [`a run is in its own way: ${outcome}`] : []),
  ]
}

/** So many blocks of the tables are done, and hold what the transform yields for them: no more, no less. */
export function exactness(world: World, tables: readonly Key[], expected = BLOCKS): readonly string[] {
  return tables.flatMap((name) => {
    const target = world.targets.get(name)
    if (target === undefined) return [`${name} does not exist`]
    // It is called stale, or `verify --sources` finds it: at the end all is built again.
    const read = name === 'echo' ? world.targets.get('plain')?.uuid : undefined
    if ([target.uuid, read].some((uuid) => uuid !== undefined && world.explained.has(uuid))) return []
    const blocks = [...latest(world, target)]
      .filter(([, { event }]) => event === 'done')
      .map(([block]) => block)
    const lacking =
      blocks.length < expected
        ? [`${name}: only blocks ${blocks.join()} are done, and the run said that all are`]
        : []
    return [
      ...lacking,
      ...(name === 'last' ? keysExact(world, target, blocks) : blocksExact(world, target, blocks)),
    ]
  })
}

/** What a rebuild that has exchanged the tables leaves of what it, or a dead one, has built; the next one may have begun. */
export function leftBehind(world: World, table: Key): readonly string[] {
  const begun = `${table}__rebuild_${world.targets.get(table)?.uuid.slice(0, 8)}`
  // One whose name has its own UUID was exchanged: the next call gives it its last name.
  return [...world.targets.values()].flatMap(({ name, uuid, rows }) =>
    name.startsWith(`${table}__rebuild_`) &&
    !name.startsWith(begun) &&
    !name.includes(uuid.slice(0, 8)) &&
    rows.length > 0
      ? [`a rebuild leaves ${name} behind`]
      : [],
  )
}

/** Without what somebody else has put there. */
const shownOf = (world: World, target: Target) =>
  world.shown(target).filter((row) => !world.isStray(target, row))

/** What a source row ever was: rows that change during an INSERT are what `verify --sources` finds. */
function everValues(world: World, name: Key, block: number): readonly number[] {
  return (world.history.get(block) ?? []).map((value) => (name === 'echo' ? value + 1 : value))
}

function blocksExact(world: World, target: Target, blocks: readonly number[]): readonly string[] {
  const rows = Map.groupBy(shownOf(world, target), ({ block }) => block)
  return blocks.flatMap((block) => {
    const found = rows.get(block) ?? []
    if (found.length !== 1)
      return [`${target.name}: block ${block} is done and has ${found.length} rows instead of one`]
    // A sum depends on all rows before: `staleness` looks at it.
    if (target.key === 'total' || everValues(world, target.key, block).includes(found[0]!.value)) return []
    return [`${target.name}: block ${block} is done and holds ${found[0]!.value}`]
  })
}

const isRestored = ({ writer }: Row) => writer === 'backup' || writer === 'script'

function keysExact(world: World, target: Target, blocks: readonly number[]): readonly string[] {
  const rows = new Map(world.shown(target).map((row) => [row.key, row]))
  return [...Map.groupBy(blocks, (block) => block % 3)].flatMap(([key, same]) => {
    const last = Math.max(...same)
    const row = rows.get(key)
    // A row of a block that is not done yet may be later; in a table that was adopted it may hold anything, until its block is computed.
    const isAny = row !== undefined && row.block > last && isRestored(row)
    if (isAny || (row && row.block >= last && everValues(world, 'last', row.block).includes(row.value)))
      return []
    return [
      `last: key ${key} has ${row === undefined ? 'no row' : `block ${row.block}`} instead of block ${last}`,
    ]
  })
}

const textOf = (rows: readonly Pick<Row, 'key' | 'block' | 'value'>[]) =>
  rows
    .map(({ key, block, value }) => `${key}:${block}=${value}`)
    .toSorted()
    .join(' ')

/** What stands in the tables is what a computation from the present rows of the source yields. */
export function presentness(world: World, tables: readonly Key[]): readonly string[] {
  return tables.flatMap((name) => {
    const is = textOf(shownOf(world, world.targets.get(name)!))
    const should = textOf(world.transform(name, { from: 1, to: BLOCKS }))
    return is === should ? [] : [`after all was mended ${name} holds ${is} instead of ${should}`]
  })
}

/** Whether a table holds what a computation from its present inputs yields. */
export function holdsItAll(world: World, target: Target): boolean {
  return textOf(target.rows) === textOf(world.transform(target.key, { from: 1, to: BLOCKS }))
}

/**
 * In a world where nothing fails: rows that are all right are adopted, and of others only those that are right. `wasRight`: before it began; what a dead run
 * has sent may still arrive at an input.
 */
export function adoption(
  world: World,
  target: Target,
  { isAdopted, wasRight }: { readonly isAdopted: boolean; readonly wasRight: boolean },
): readonly string[] {
  const { name, key } = target
  if (!isAdopted)
    return wasRight && holdsItAll(world, target) ? [`${name} holds what it should, and is not adopted`] : []
  const done = [...latest(world, target)].flatMap(([block, { event }]) => (event === 'done' ? [block] : []))
  const right = world.transform(key, { from: Math.min(...done), to: Math.max(...done) }, target)
  const words = new Set(right.map((row) => textOf([row])))
  return world
    .shown(target)
    .filter((row) => done.includes(row.block) && !words.has(textOf([row])))
    .map((row) => `${name}: ${textOf([row])} was adopted, and is none of ${[...words].join(' ')}`)
}

/** Everything that holds when nothing goes on any more. `lastPid`: of the last run, which nothing disturbed. */
export function judge(world: World, tables: readonly Key[], lastPid: number): readonly string[] {
  return [
    ...exactness(world, tables),
    ...checkpoints(world),
    ...rewritten(world),
    ...leftovers(world, lastPid),
  ]
}

/** A fold from the last checkpoint says what a fold of all events says. */
function checkpoints(world: World): readonly string[] {
  return [...world.targets.values()].flatMap((target) => {
    const folded = fold(world.layers(target.key, target.uuid))
    return [...latest(world, target)].flatMap(([block, row]) => {
      const island = folded.find(({ from, to }) => from <= block && block <= to)
      const [state, all] = [
        island?.state ?? 'cleaned',
        { started: 'dirty', failed: 'dirty' }[row.event as string] ?? row.event,
      ]
      return state === all
        ? []
        : [
            `${target.name}: the checkpoint says that block ${block} is ${state}, and its events that it is ${all}`,
          ]
    })
  })
}

const wrote = ({ event, error }: LedgerRow) => event !== 'checkpoint' && error !== DIGEST_ONLY

/** A done block that holds older source rows has an older fingerprint, so that `verify --sources` finds it. */
function rewritten(world: World): readonly string[] {
  const target = world.targets.get('plain')
  if (target === undefined) return []
  const rows = new Map(target.rows.map((row) => [row.block, row.value]))
  return [...latest(world, target, wrote)].flatMap(([block, row]) => {
    if (row.event !== 'done' || rows.get(block) === world.source.get(block)?.value) return []
    const now = [...world.source].filter(([one]) => row.range_from <= one && one <= row.range_to)
    const text = `events=${now.length}@${Math.max(...now.map(([, { written }]) => written))}`
    return text === row.source_fingerprint
      ? [`plain: block ${block} holds an old row, and its fingerprint is the present one`]
      : []
  })
}

function leftovers(world: World, lastPid: number): readonly string[] {
  const held = [...world.locks].flatMap(([name, comment]) =>
    comment.includes(`"pid":${lastPid},`) && !comment.includes('"released":true') ? [name] : [],
  )
  return [
    ...held.map((name) => `the lock ${name} stays, although no run holds it`),
    ...(world.writing.length > 0 ? ['a statement still writes'] : []),
    ...world.mutations
      .filter(({ state }) => state === 'waiting' || state === 'failed')
      // Those of a table that was dropped went with it.
      .filter(({ target }) => world.targets.get(target.name) === target)
      // A request that was delivered twice: what it was to do is done, and whoever deletes next kills it first.
      .filter(
        ({ target, lock }) =>
          !world.mutations.some((one) => one.target === target && one.lock === lock && one.state === 'done'),
      )
      .map(({ target }) => `a deletion of ${target.name} hangs for ever`),
  ]
}

/** What the program calls up to date is what a computation from the present input yields. */
export function staleness(world: World, statuses: ReadonlyMap<string, TableStatus>): readonly string[] {
  return [...echoesOld(world, statuses.get('echo')), ...sumsOld(world, statuses.get('total'))]
}

const isOf = (blocks: BlockSet, block: number): boolean =>
  intersect(blocks, [{ from: block, to: block }]).length > 0

function sumsOld(world: World, status: TableStatus | undefined): readonly string[] {
  if (status === undefined) return []
  const found = new Map(world.shown(world.targets.get('total')!).map(({ block, value }) => [block, value]))
  return [...found].flatMap(([block, value]) => {
    const before = block === 1 ? 0 : (found.get(block - 1) ?? 0)
    const isRight = everValues(world, 'plain', block).includes(value - before)
    const isSaid = !isOf(status.covered, block) || status.stale.some(({ blocks }) => isOf(blocks, block))
    return isRight || isSaid
      ? []
      : [`total: block ${block} was computed from another row of the block before, and is not called stale`]
  })
}

function echoesOld(world: World, status: TableStatus | undefined): readonly string[] {
  if (status === undefined) return []
  const { covered, stale } = status
  const plain = new Map(world.targets.get('plain')!.rows.map((row) => [row.block, row.value]))
  return shownOf(world, world.targets.get('echo')!).flatMap(({ block, value }) => {
    const at = [{ from: block, to: block }]
    if (intersect(covered, at).length === 0 || value === plain.get(block)! + 1) return []
    return stale.some(({ blocks }) => intersect(blocks, at).length > 0)
      ? []
      : [`echo: block ${block} was computed from another row of plain, and is not called stale`]
  })
}
