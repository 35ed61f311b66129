// Owns `backfill pause`, `limit` and `resume`: they record what runs shall do, and say what holds then.
import { EXIT, failedError, usageError } from '../../model/errors.ts'
import { assertAllNodes } from '../../clickhouse/cluster/cluster.ts'
import { isMissing } from '../../clickhouse/server-error.ts'
import { holdText } from '../../ledger/steering.ts'
import type { Workspace } from '../../runner/workspace.ts'
import { wallClock } from '../../seam/clock.ts'
import { type Command, withWorkspace } from '../../session/session.ts'
import { duration, positiveCount, readFlag, type Word } from '../../workspace/values.ts'

const DOES = {
  pause: 'running chunks end, and no more start, of',
  limit: 'fewer statements run at once of',
  resume: 'runs go on with',
} as const

export const steer =
  (action: keyof typeof DOES): Command =>
  async (context) => {
    const { flags, output } = context
    const jobs = readFlag(flags, 'jobs', positiveCount)
    if (action === 'limit' && jobs === undefined)
      throw usageError('`limit` needs --jobs <count>', 'backfill limit --jobs 1 runs one statement at a time')
    const until = readFlag(flags, 'until', untilTime)
    return await withWorkspace(context, async ({ workspace, connected }) => {
      assertAllNodes(connected.target)
      const { steering } = workspace.ports
      const isChosen = flags.has('tables') || flags.has('exclude')
      // '': all, of today and of tomorrow.
      const tables = isChosen ? workspace.chosen.map(({ key }) => key) : ['']
      // A newer ledger is refused before anything is written.
      await workspace.ports.target.assertKnownLedger()
      await steering.give(action, tables, jobs, until).catch(async (error: unknown) => {
        if (!isMissing(error)) throw error
        await createTable(workspace)
        await steering.give(action, tables, jobs, until)
      })
      const holds = await steering.read()
      output.answer({ tables: tables.filter((key) => key !== ''), holds }, [
        `${workspace.network.name}: ${DOES[action]} ${tables.join(', ') || 'all tables'}.`,
        ...holds.map((hold) => `${hold.table || 'all tables'}  ${holdText(hold)}`),
        holds.length === 0 ? 'Nothing holds runs back.' : '`backfill resume` ends all of it.',
      ])
      return EXIT.ok
    })
  }

/** For a ledger of an older version. @throws BackfillError `failed` without a ledger, or naming the GRANT */
async function createTable({ catalogue, ports: { target } }: Workspace): Promise<void> {
  if ((await target.ledgerState()) === 'absent')
    throw failedError('there is no ledger yet, so no run to steer', '`backfill up` creates it')
  await target.prepareLedger(catalogue.ledger.filter(({ text }) => text.includes('.steering')))
}

/** `18:00`, today or else tomorrow by this machine's clock, or a time from now. @throws BackfillError `usage` */
function untilTime(word: Word): Date {
  const [, hour, minute] = /^([01]?\d|2[0-3]):([0-5]\d)$/.exec(word.text) ?? []
  const end = wallClock()
  if (hour === undefined) {
    const isSpan = /^[1-9]\d{0,6}[smh]?$/.test(word.text)
    if (isSpan) return new Date(end.getTime() + duration(word))
    throw usageError(`${word.place} must be a time such as 18:00, 90s, 55m or 2h, got '${word.text}'`)
  }
  end.setHours(Number(hour), Number(minute), 0, 0)
  if (end <= wallClock()) end.setDate(end.getDate() + 1)
  return end
}
