// Owns `backfill unlock`: it frees a lock whose holder will not come back, or shall write no more.
import { BackfillError, EXIT } from '../../model/errors.ts'
import { confirm } from '../../session/confirm.ts'
import { type Command, withWorkspace } from '../../session/session.ts'

export const unlock: Command = async (context) => {
  const { flags, output } = context
  return await withWorkspace(context, async ({ workspace }) => {
    const { locks, target } = workspace.ports
    const tables: object[] = []
    const exists = (await target.ledgerState()) !== 'absent'
    for (const { key } of workspace.chosen) {
      if (exists && !flags.has('yes'))
        try {
          await locks.untilFree(key, (text) => output.message([`${key}  ${text}`]))
        } catch (error) {
          if (!(error instanceof BackfillError) || error.kind !== 'locked') throw error
          await confirm(
            context,
            `${error.message}, and it is alive. Free the lock, so that it can write no more?`,
          )
        }
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
