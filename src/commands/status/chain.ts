// Owns what `status` says of the chain as a whole: how far the sources reach, how old they are, whose networks they have.
import type { Absence } from '../../planning/absence.ts'
import { blockCoverageOf } from '../../model/choose.ts'
import type { TableStatus } from '../../planning/table-status.ts'
import type { Workspace } from '../../runner/workspace.ts'
import { duration } from '../../terminal/render/format.ts'

/** Null if none is known, or if it is before the first block: the lag is larger than the chain. */
export function highest(blocks: readonly (number | undefined)[]): number | null {
  const known = blocks.filter((block) => block !== undefined && Number.isFinite(block) && block >= 0)
  return known.length === 0 ? null : Math.max(...(known as number[]))
}

/** For a source that is older than the user tolerates; one whose rows are dated in the future may be of any age. */
export function oldText(source: string, age = 0, maxSourceAge: number): readonly Absence[] {
  if (maxSourceAge === Infinity || (age >= 0 && age <= maxSourceAge)) return []
  const text =
    age < 0
      ? `the newest rows of ${source} are dated in the future, by ${duration(-age * 1000)}: how old they are (--max-source-age) cannot be said`
      : `the newest row of ${source} is ${duration(age * 1000)} old, older than --max-source-age`
  return [{ state: 'source too old', text }]
}

/** Where no source has rows of this network: the networks that they have, or undefined. */
export async function otherNetworks(
  { ports }: Workspace,
  tableStatuses: ReadonlyMap<string, TableStatus>,
): Promise<readonly string[] | undefined> {
  const all = [...tableStatuses.values()]
  if (all.some(({ bounds }) => bounds.inputs.head !== undefined)) return undefined
  return await ports.source.networks([...new Set(all.flatMap(({ table }) => table.sources))])
}

/** Source -> newest block, of the sources that show the end of the chain. */
export function newestBlocks(
  workspace: Workspace,
  tableStatuses: ReadonlyMap<string, TableStatus>,
): ReadonlyMap<string, number> {
  return new Map(
    [...tableStatuses.values()].flatMap(({ table, bounds: { inputs } }) =>
      table.sources.flatMap((source): [string, number][] =>
        inputs.newest === undefined || blockCoverageOf(workspace, source) === 'sparse'
          ? []
          : [[source, inputs.newest]],
      ),
    ),
  )
}
