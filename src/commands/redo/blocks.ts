// Owns the blocks of a redo: of the named table, and of the tables that read it.
import {
  blockSet,
  type BlockSet,
  intersect,
  type Range,
  subtract,
  union,
  rangeFlags,
} from '../../model/blocks.ts'
import type { Island } from '../../ledger/events.ts'

export type RedoRequest =
  | { readonly kind: 'range'; readonly range: Range }
  /** `changed`: blocks that are built again in a table that it reads, before it. */
  | { readonly kind: 'stale'; readonly changed?: BlockSet }

/** As it is typed. */
export function flagsOf(request: RedoRequest): string {
  return request.kind === 'stale' ? '--stale' : rangeFlags(request.range)
}

export type RedoTable = {
  readonly key: string
  readonly after: readonly string[]
  /** Tables, itself too, whose blocks it reads from the first one on: what changes in one of them changes all that come after. */
  readonly history: readonly string[]
  readonly islands: readonly Pick<Island, 'from' | 'to' | 'state'>[]
  readonly stale: BlockSet
  readonly missing: BlockSet
  readonly cleaned: BlockSet
}

export type RedoBlocks = {
  readonly key: string
  /** Blocks whose rows are deleted and built again. */
  readonly redo: BlockSet
  /** Missing blocks that are built as well: an earlier redo or a dead run did not finish them. */
  readonly also: BlockSet
}

/** Of the named table and of its dependants, in their order: their done blocks are built again if their input changes. */
export function redoBlocks(
  table: RedoTable,
  request: RedoRequest,
  dependants: readonly RedoTable[],
): readonly RedoBlocks[] {
  const all = new Map<string, RedoBlocks>([[table.key, ownBlocks(table, request)]])
  for (const dependant of dependants) {
    const inputs = dependant.after.flatMap((key) => all.get(key) ?? [])
    const changed = inputs.flatMap((input) => changedBy(dependant, input.key, input.redo))
    const redo = withFollowing(dependant, intersect(inState(dependant, 'done'), blockSet(changed)))
    const touched = blockSet(inputs.flatMap((input) => [...input.redo, ...input.also]))
    all.set(dependant.key, {
      key: dependant.key,
      redo,
      also: subtract(intersect(unfinished(dependant), touched), redo),
    })
  }
  return [...all.values()]
}

function ownBlocks(table: RedoTable, request: RedoRequest): RedoBlocks {
  const { key, missing, stale } = table
  const redo =
    request.kind === 'range'
      ? intersect(inState(table, 'done', 'dirty', 'invalidated'), [request.range])
      : withFollowing(table, union(stale, intersect(inState(table, 'done'), request.changed ?? [])))
  const also = request.kind === 'range' ? intersect(missing, [request.range]) : unfinished(table)
  return { key, redo, also: subtract(also, redo) }
}

/** The blocks of a table that change with these of its input. */
export function changedBy(
  { history }: Pick<RedoTable, 'history'>,
  input: string,
  blocks: BlockSet,
): BlockSet {
  const [first] = history.includes(input) ? blocks : []
  return first === undefined ? blocks : [{ from: first.from, to: Number.MAX_SAFE_INTEGER }]
}

/** Each range of a table that reads its own rows is built from those before it. */
function withFollowing(table: RedoTable, redo: BlockSet): BlockSet {
  return union(redo, intersect(inState(table, 'done'), changedBy(table, table.key, redo)))
}

/** Blocks whose coverage was removed and that are not built again yet. */
function unfinished(table: RedoTable): BlockSet {
  return intersect(union(table.cleaned, inState(table, 'dirty', 'invalidated')), table.missing)
}

function inState({ islands }: RedoTable, ...states: string[]): BlockSet {
  return blockSet(islands.filter(({ state }) => states.includes(state)))
}
