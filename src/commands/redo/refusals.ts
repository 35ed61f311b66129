// Owns the reasons not to redo: what was deleted could not be built again, or others would be left behind.
import { BackfillError, usageError } from '../../model/errors.ts'
import type { TableDefinition } from '../../model/model.ts'
import { countBlocks, hull, intersect, subtract, type BlockSet } from '../../model/blocks.ts'
import { rangeWords } from '../../model/blocks.ts'
import type { RedoBlocks, RedoRequest } from './blocks.ts'
import { changesSince } from '../../runner/attempt-change.ts'
import { surveyMissing } from '../../planning/survey.ts'
import type { Standing } from '../../planning/table-status.ts'
import { makeSurveyor } from '../../planning/survey.ts'
import type { World } from '../../runner/world.ts'

/** @throws BackfillError `usage` for a table whose rows cannot be taken back by range, with the cure */
export function refusePerKey({ key, rows }: TableDefinition, { kind }: RedoRequest): void {
  if (rows.kind === 'per-block') return
  throw usageError(
    `${key} keeps one row per key over all blocks: the rows of a range cannot be taken back`,
    kind === 'dirty'
      ? `backfill up --tables ${key} takes care of half-written blocks, or says what to do`
      : `backfill rebuild ${key} builds the whole table anew beside the old one`,
  )
}

/** @throws BackfillError `usage` where tables that read the blocks would be left as they are, with the words to type */
export function refuseDependants(
  table: TableDefinition,
  dependants: readonly RedoBlocks[],
  typed: string,
): void {
  const left = dependants.filter(({ redo }) => redo.length > 0)
  if (left.length === 0) return
  const which = left.map(({ key, redo }) => `${key} (${rangeWords(redo)})`).join(', ')
  throw usageError(
    `${which} ${left.length === 1 ? 'was' : 'were'} built from these blocks of ${table.key} and would keep their old rows`,
    `backfill redo ${table.key} ${typed} --cascade builds them again, too`,
  )
}

export type Rebuildable = {
  readonly standing: Standing
  readonly redo: BlockSet
  /** Table key -> target UUID of the tables in `after`. */
  readonly inputs: ReadonlyMap<string, string>
}

/**
 * @throws BackfillError `failed` where blocks could not be built again once their rows are gone: the sources have
 *   lost them or do not agree about them, or the table does not owe them any more
 */
export async function refuseLoss(world: World, { standing, redo, inputs }: Rebuildable): Promise<void> {
  const { table, target, bounds } = standing
  if (redo.length === 0) return
  const refuse = (why: string, blocks: BlockSet): never => {
    const rest = hull(subtract(redo, blocks))
    throw new BackfillError(
      `blocks ${rangeWords(blocks)} of ${table.key} could not be built again: ${why}; nothing was changed`,
      {
        kind: 'failed',
        hint:
          rest === undefined
            ? 'Leave them as they are, or bring the source rows back'
            : `Bring the source rows back, or leave these blocks out with --from and --to: ${countBlocks(redo) - countBlocks(blocks)} other blocks lie in ${rest.from}-${rest.to}`,
      },
    )
  }
  if (table.rows.kind === 'per-key' && !target!.engine.includes('Replacing'))
    refuse(`rows of ${target!.engine} cannot be replaced, only backfill rebuild ${table.key} helps`, redo)
  const { owed } = bounds
  const beyond = subtract(redo, owed === undefined ? [] : [owed])
  if (beyond.length > 0)
    refuse(owed === undefined ? bounds.note! : `the table's blocks are ${owed.from}-${owed.to} now`, beyond)

  const attempts = await world.ports.ledger.attempts(table.key, target!.uuid, redo)
  const changes = await changesSince(world.ports, { table, inputs }, attempts)
  const pruned = attempts.flatMap(({ blocks }, index) => (changes[index] === 'pruned' ? blocks : []))
  if (pruned.length > 0) refuse('the sources no longer hold all of them', intersect(redo, pruned))

  const { holes, held } = await surveyMissing(makeSurveyor(world), table, redo)
  if (holes.length > 0) refuse('no source has rows there', holes)
  if (held.length > 0) refuse('the sources do not agree on these blocks', held)
}
