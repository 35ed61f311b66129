// Owns the instant at which the new table takes the old one's place.
import { BackfillError } from '../../model/errors.ts'
import { type BuildOf, readyName } from './names.ts'
import type { NamedTable } from './rebuild-port.ts'
import { readSides } from './rebuild-sides.ts'
import type { Rebuilding } from './rebuild-context.ts'

/** After an answer that was lost. */
const MAX_TRIES = 3

/**
 * Exchanges the tables, data and coverage at once, since events belong to UUIDs. Resolves with the old table under the
 * name that it has got. An EXCHANGE cannot carry the fence: instead the new table gets a name of this epoch first, so that
 * one that is delivered late, of a call that died, finds no table to exchange and swaps nothing back.
 */
export async function swap(rebuilding: Rebuilding, build: BuildOf): Promise<NamedTable> {
  const { world, ports, table, lock, options, hooks } = rebuilding
  for (let attempt = 1; ; attempt++) {
    // Nobody has taken the lock meanwhile, and nobody will in the moment that is left.
    await lock.renew()
    const { present, built, replaced } = await readSides(world, ports.rebuild, table)
    if (replaced[0] !== undefined) return replaced[0]
    const [next] = built
    if (present.uuid !== build.uuid || next === undefined)
      throw new BackfillError(
        `somebody has replaced ${table.target} or what was built for it: nothing was exchanged`,
        {
          kind: 'failed',
          hint: `Run backfill rebuild ${table.key} again`,
        },
      )
    const name = readyName(build, lock.epoch)
    try {
      await ports.rebuild.rename(next.name, name)
      await ports.rebuild.exchange(table.target, name)
      return { ...present, name }
    } catch (error) {
      const lost = error instanceof BackfillError && error.kind === 'server' && error.code === 0
      if (!lost || attempt === MAX_TRIES) throw error
      await world.ports.queries.reachable({ giveUpMs: options.up.giveUpMs, signal: hooks.signal })
    }
  }
}
