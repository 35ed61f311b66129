// Owns `backfill adopt`: it shows how a sample of unknown rows compares, and records them as done if it is the same.
import type { Lock } from '../../lock/lock.ts'
import { EXIT, usageError } from '../../model/errors.ts'
import type { BlockSet } from '../../model/blocks.ts'
import { type Command, withStoppable } from '../../session/session.ts'
import { requireOneTable } from '../../terminal/one-table-one-range.ts'
import { formatRanges, listOf } from '../../terminal/render/format.ts'
import { upOptions } from '../../workspace/run-options.ts'
import { positiveCount, readFlag, type Word } from '../../workspace/values.ts'
import { verifyHooks, verifyOptions } from '../verify/command.ts'
import { renderVerify, verifyCode } from '../verify/render.ts'
import type { AdoptOptions } from './plan.ts'

const SAMPLE = 20

export const adoptCommand: Command = async (context) => {
  const { flags, output } = context
  const key = requireOneTable(flags, 'adopt')
  const fromUuid = readFlag(flags, 'from-uuid', uuid)
  const options: AdoptOptions = {
    ...upOptions(context),
    ...verifyOptions(context),
    sample: readFlag(flags, 'sample', positiveCount) ?? SAMPLE,
    fromUuid,
    dryRun: flags.has('dry-run'),
  }
  return await withStoppable(context, async (session, signal) => {
    const [{ adopt, whileLocked }, { planAdoption }] = await Promise.all([
      import('./record.ts'),
      import('./plan.ts'),
    ])
    const { workspace } = session
    const { target } = workspace.ports
    const ledger = await target.ledgerState()
    const isDry = options.dryRun
    if (isDry && ledger === 'absent')
      throw usageError('there is no ledger to record in yet', 'leave out --dry-run')
    if (!isDry && ledger !== 'ready') await target.prepare(workspace.catalogue.ledger)
    const work = async (lock?: Lock) => {
      const plan = await planAdoption(workspace, session.connected, options, verifyHooks(context, signal))
      if (signal.aborted) return EXIT.ok
      const wrong = plan.verifications.find((one) => {
        const code = verifyCode(one)
        return code !== EXIT.ok && (fromUuid === undefined || code === EXIT.different)
      })
      const outcome = wrong !== undefined ? 'different' : lock === undefined ? 'dry-run' : 'adopted'
      if (lock !== undefined && wrong === undefined) await adopt(workspace, plan, options, lock)
      const [blocks, sample] = [plan.blocks, plan.verifications[0]]
      output.answer({ table: key, outcome, blocks, fromUuid, verification: wrong ?? sample }, [
        ...[...new Set(listOf(sample, wrong))].flatMap((one) => renderVerify(one, output.resultColors)),
        outcomeLine(outcome, { key, blocks, fromUuid }),
      ])
      return outcome === 'different' ? EXIT.different : EXIT.ok
    }
    return isDry ? await work() : await whileLocked(workspace, (text) => output.message([text]), work)
  })
}

type Adopted = { readonly key: string; readonly blocks: BlockSet; readonly fromUuid: string | undefined }

function outcomeLine(
  outcome: 'different' | 'dry-run' | 'adopted',
  { key, blocks, fromUuid }: Adopted,
): string {
  if (outcome === 'different')
    return `The rows are not what ${key} would hold, so nothing was recorded. Next: \`backfill rebuild ${key}\` builds a new table beside this one.`
  const what = `${formatRanges(blocks)} of ${key}`
  if (outcome === 'dry-run') return `Would record as done: ${what}. Nothing has been written.`
  return `Recorded as done: ${what}${fromUuid === undefined ? '' : `, and all else that the ledger knows of ${fromUuid}`}.`
}

function uuid({ text, place }: Word): string {
  if (/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(text)) return text.toLowerCase()
  throw usageError(`${place} must be the UUID of a table, got '${text}'`, '`backfill status` shows it')
}
