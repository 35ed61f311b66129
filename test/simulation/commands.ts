// Owns what a simulated process does: the program's own commands, and in one word how each ended.
import { planAdoption } from '../../src/commands/adopt/plan.ts'
import { adopt, whileLocked } from '../../src/commands/adopt/record.ts'
import { planRedo } from '../../src/commands/redo/plan.ts'
import { redo } from '../../src/commands/redo/redo.ts'
import { redoStale } from '../../src/commands/redo/stale-tables.ts'
import { rebuild } from '../../src/commands/rebuild/rebuild.ts'
import { status } from '../../src/commands/status/status.ts'
import { verifyCode } from '../../src/commands/verify/render.ts'
import { verifySources } from '../../src/commands/verify/sources.ts'
import { BackfillError, EXIT } from '../../src/model/errors.ts'
import type { UpOptions } from '../../src/planning/run-options.ts'
import type { RunSummary } from '../../src/runner/events.ts'
import type { Workspace } from '../../src/runner/workspace.ts'
import { up, type UpHooks } from '../../src/runner/up.ts'
import type { Connected } from '../../src/workspace/connect.ts'
import { OPTIONS } from '../support/workspace.ts'

/** `ok`, a word of the command, or the kind of its error and its message. */
export type Work = (workspace: Workspace, hooks: UpHooks, connected: Connected) => Promise<string>

/** Of a failure that is no message for a person. */
export const NO_MESSAGE = 'no message'

export const upWork =
  (options: Partial<UpOptions>): Work =>
  async (workspace, hooks) =>
    outcomeOf(await up(workspace, { ...OPTIONS, ...options }, hooks))

export const redoWork =
  (from: number, to: number): Work =>
  async (workspace, hooks) => {
    const request = { kind: 'range', range: { from, to } } as const
    const plan = await planRedo(workspace, { request, dependants: 'cascade', lag: 0, jobs: 1 })
    return outcomeOf(await redo(workspace, plan, OPTIONS, hooks))
  }

export const rebuildWork =
  (dropOld: boolean): Work =>
  async (workspace, hooks, connected) => {
    const options = { up: OPTIONS, sample: 2, seed: 1, dropOld }
    const { outcome, summary } = await rebuild(workspace, connected, options, hooks)
    return outcome === 'incomplete' ? outcomeOf(summary!) : outcome
  }

/** `known`: of the earlier table that the ledger knows, as the program itself says what to type. */
export const adoptWork =
  (isKnown: boolean): Work =>
  async (workspace, { signal }, connected) => {
    const { ports, catalogue, chosen } = workspace
    if ((await ports.target.ledgerState()) !== 'ready') await ports.target.prepare(catalogue.ledger)
    const { target: name, key } = chosen[0]!
    const present = (await ports.target.identities([name])).get(name)
    const earlier = isKnown && present && (await ports.ledger.earlier(key, present.uuid))
    const fromUuid = earlier ? earlier.uuid : undefined
    const options = { ...OPTIONS, chunk: 3, sample: 1, seed: 1, fromUuid, dryRun: false }
    return await whileLocked(
      workspace,
      () => {},
      async (lock) => {
        const plan = await planAdoption(workspace, connected, options, { report: () => {}, signal })
        const codes = plan.verifications.map(verifyCode)
        if (codes.some((code) => code === EXIT.different || (code !== EXIT.ok && fromUuid === undefined)))
          return 'different'
        await adopt(workspace, plan, options, lock)
        return codes.every((code) => code === EXIT.ok) ? 'adopted' : 'adopted as stale'
      },
    )
  }

/** `verify --sources`. */
export const sourcesWork: Work = async (workspace, { report, signal }, connected) => {
  const note = (table: string, text: string) => report({ type: 'note', table, text })
  const checks = await verifySources(workspace, connected, { dryRun: false }, { note, signal })
  const left = checks.flatMap(({ notMarked }) => (notMarked instanceof BackfillError ? [notMarked] : []))
  return left.length === 0 ? 'ok' : `${left[0]!.kind}: ${left[0]!.message}`
}

/** `status`: what it misses in tables is said as an error. */
export async function statusWork(workspace: Workspace): Promise<string> {
  const { tables } = await status(workspace, { lag: 0 })
  const said = tables.flatMap(({ absences }) => absences.map(({ text }) => text))
  return said.length === 0 ? 'ok' : `absent: ${said.join('; ')}`
}

/** `redo --stale`, of all tables. */
export const staleWork: Work = async (workspace, hooks, connected) => {
  const options = { up: OPTIONS, sample: 2, seed: 1, dropOld: false }
  const rebuilds = { ports: connected, options, report: () => {} }
  return outcomeOf(await redoStale(workspace, { options: OPTIONS, rebuilds }, hooks))
}

function outcomeOf({ failed, interrupted, outOfTime }: RunSummary): string {
  if (failed.length === 0) return interrupted || outOfTime ? 'interrupted' : 'ok'
  const isSaid = failed.every(({ error }) => error instanceof BackfillError)
  const said = failed.map(({ table, error }) => `${table}: ${error.message}`)
  return `${isSaid ? failed[0]!.error.kind : NO_MESSAGE}: ${said.join('; ')}`
}
