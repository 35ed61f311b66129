// Owns what people do when nothing fails any more: rows that the ledger does not know are adopted or dropped, and what is late is
// looked for and built again.
import { adoptWork, sourcesWork, staleWork, upWork, type Work } from './commands.ts'
import { adoption, holdsItAll, presentness } from './judge.ts'
import { isUnknown } from './people.ts'
import type { Key, World } from './world.ts'

export type Afterwards = {
  readonly world: World
  readonly tables: readonly Key[]
  /** Starts a process, and says how it has ended; undefined: it has not, after half an hour. */
  readonly endOf: (what: string, chosen: readonly Key[], work: Work) => Promise<string | undefined>
}

/** A person has rows adopted of which the ledger knows nothing, and drops them if the program will not have them. */
export async function adoptAll({ world, tables, endOf }: Afterwards): Promise<void> {
  for (const name of tables) {
    const target = world.targets.get(name)
    if (target === undefined || !isUnknown(world, target)) continue
    const wasRight = holdsItAll(world, target)
    const outcome = await endOf(`adopt ${name}`, [name], adoptWork(false))
    if (outcome === undefined) world.broken.push('an adoption has not ended after half an hour')
    // The adoption of a dead run arrived meanwhile: the ledger knows the rows, and there is nothing to adopt.
    if (outcome?.startsWith('usage') && !isUnknown(world, target)) continue
    world.broken.push(...adoption(world, target, { isAdopted: outcome === 'adopted', wasRight }))
    if (outcome !== 'adopted') world.targets.delete(name)
  }
}

/** After that, all is as it would be if it were computed now. */
export async function mend({ world, tables, endOf }: Afterwards): Promise<void> {
  // A person drops what rebuilds have kept.
  for (const name of world.targets.keys()) if (name.includes('__old_')) world.targets.delete(name)
  for (const [what, work] of [
    ['verify --sources', sourcesWork],
    ['redo-stale', staleWork],
    // What waited for an input that lacked rows.
    ['up', upWork({})],
  ] as const) {
    const outcome = await endOf(what, tables, work)
    if (outcome !== 'ok') world.broken.push(`at the end ${what} says: ${outcome ?? 'nothing'}`)
  }
  world.broken.push(...presentness(world, tables))
}
