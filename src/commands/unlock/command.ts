// Owns `backfill unlock`: the manual cure for a lock whose holder will not come back.
import { EXIT } from '../../model/errors.ts'
import type { Command } from '../../session/command.ts'
import { withWorld } from '../../session/session.ts'
import { requireChoice } from '../../terminal/one-table-one-range.ts'

export const unlock: Command = async (context) => {
  requireChoice(context.words, 'unlock')
  const { output } = context
  return await withWorld(context, async ({ world }) => {
    const { locks, target } = world.ports
    const exists = (await target.ledgerState()) !== 'absent'
    for (const { key } of world.chosen) {
      const holder = exists ? await locks.takeOver(key) : undefined
      if (holder === undefined) output.result([`${key}  has no lock`])
      else if (holder.released) output.result([`${key}  was free`])
      else
        output.result([
          `${key}  freed; it was held by process ${holder.pid} on ${holder.host} since ${holder.since}`,
        ])
    }
    return EXIT.ok
  })
}
