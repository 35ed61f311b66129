// Owns `backfill unlock`: it frees a lock whose holder will not come back.
import { EXIT } from '../../model/errors.ts'
import type { Command } from '../../session/command.ts'
import { withWorkspace } from '../../session/session.ts'

export const unlock: Command = async (context) => {
  const { flags, output } = context
  return await withWorkspace(context, async ({ workspace }) => {
    const { locks, target } = workspace.ports
    const tables: object[] = []
    const exists = (await target.ledgerState()) !== 'absent'
    for (const { key } of workspace.chosen) {
      const holder = exists ? await locks.takeOver(key) : undefined
      if (flags.has('json')) tables.push({ table: key, freed: holder?.released === false, holder })
      else if (holder === undefined) output.result([`${key}  has no lock`])
      else if (holder.released) output.result([`${key}  was free`])
      else
        output.result([
          `${key}  freed; it was held by process ${holder.pid} on ${holder.host} since ${holder.since}`,
        ])
    }
    if (flags.has('json')) output.json({ tables })
    return EXIT.ok
  })
}
