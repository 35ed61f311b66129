// Owns `backfill verify`: it computes done ranges again and compares; --sources finds ranges whose sources changed.
import { usageError, EXIT } from '../../model/errors.ts'
import type { VerifyHooks, VerifyOptions } from './verify.ts'
import { blockCount, positiveCount, readFlag } from '../../workspace/values.ts'
import { type Command, type Context, withStoppable } from '../../session/session.ts'
import { renderVerify, comparisonLine, redoCommand, verifyCode } from './render.ts'
import type { TableDefinition } from '../../model/model.ts'
import { upOptions } from '../../workspace/run-options.ts'
import { randomBelow } from '../../seam/random.ts'
import { amount, type Colors, count, formatRange, listOf, number } from '../../terminal/render/format.ts'
import type { StoredCheck, StoredDifference } from './stored.ts'

export const verifyCommand: Command = async (context) => {
  const { output, flags } = context
  if (flags.has('sources')) return await verifySources(context)
  if (flags.has('stored')) return await verifyStored(context)
  if (!flags.has('tables'))
    throw usageError(
      '`verify` needs a table',
      'backfill verify <table>; all done blocks are computed again, so it takes as long as they did: --from, --to, --sample 20',
    )
  const options = verifyOptions(context)
  return await withStoppable(context, async ({ workspace, connected }, signal) => {
    const { verify } = await import('./verify.ts')
    const report = await verify(workspace, connected, options, verifyHooks(context, signal))
    output.answer(report, renderVerify(report, output.resultColors, workspace.catalogue.tables))
    return verifyCode(report)
  })
}

/** A line for each comparison, if the lines are wanted. */
export function verifyHooks({ output, flags }: Context, signal: AbortSignal): VerifyHooks {
  const quiet = flags.has('quiet') || flags.has('json')
  const report: VerifyHooks['report'] = (table, comparison) =>
    output.message(quiet ? [] : [comparisonLine(table, comparison, output.messageColors)])
  return { signal, report }
}

export function verifyOptions({ config, flags }: Context): VerifyOptions {
  return {
    ...upOptions({ config, flags }),
    sample: readFlag(flags, 'sample', positiveCount),
    seed: readFlag(flags, 'seed', blockCount) ?? randomBelow(2 ** 32),
    asBuilt: flags.has('as-built'),
  }
}

const verifyStored: Command = async (context) => {
  const { output } = context
  return await withStoppable(context, async (session, signal) => {
    const stored = await import('./stored.ts')
    const checks = await stored.verifyStored(session.workspace, session.connected, signal)
    const { tables } = session.workspace.catalogue
    const lines = checks.flatMap((check) => storedLines(check, tables, output.resultColors))
    const none = 'No table to compare: none with rows per block exists'
    output.answer({ tables: checks }, lines.length === 0 ? [none] : lines)
    return checks.every(({ same }) => same) ? EXIT.ok : EXIT.different
  })
}

const verifySources: Command = async (context) => {
  const { output, flags } = context
  return await withStoppable(context, async (session, signal) => {
    const sources = await import('./sources.ts')
    const { workspace } = session
    const note = (table: string, text: string) => output.message([`${table}  ${text}`])
    const dryRun = flags.has('dry-run')
    const checks = await sources.verifySources(workspace, session.connected, { dryRun }, { signal, note })
    const lines = sources.renderSources(checks, workspace.catalogue.tables, output.resultColors)
    output.answer({ tables: checks.map(sources.sourcesFields) }, lines)
    return sources.sourcesCode(checks)
  })
}

const SHOWN = 10

const KINDS: Readonly<Record<StoredDifference['kind'], (difference: StoredDifference) => string>> = {
  lost: ({ recorded, stored }) => `${count(recorded - stored, 'row')} of ${number(recorded)} lost`,
  extra: ({ recorded, stored }) =>
    `${count(stored - recorded, 'row')} too many: ${number(stored)} in the table, ${number(recorded)} recorded`,
  changed: ({ stored }) => `other values: ${count(stored, 'row')}, as recorded`,
  stray: ({ stored }) => `${count(stored, 'row')} of blocks that are not done`,
}

function storedLines(
  check: StoredCheck,
  known: readonly TableDefinition[],
  colors: Colors,
): readonly string[] {
  const { table, comparedBlocks, unknownBlocks, rows, differences, more, same } = check
  const verdict = same ? colors.green('as recorded') : colors.red('DIFFERENT')
  const shown = differences.slice(0, SHOWN)
  const rest = differences.length + more - shown.length
  const redoable = differences.filter(({ kind }) => kind !== 'stray')
  const isTime = known.find(({ key }) => key === table)?.unit === 'second'
  const done = (value: number) => (isTime ? amount(value, 'second') : count(value, 'done block'))
  const digestless = `  ${done(unknownBlocks)} not compared: the ledger has no digest of what they held (docs/explanation/reliability.md)`
  return listOf(
    `${colors.bold(table)}  ${done(comparedBlocks)} compared, ${count(rows, 'row')} in the table: ${verdict}`,
    unknownBlocks > 0 && colors.yellow(digestless),
    shown.map((difference) => `  ${formatRange(difference)}  ${KINDS[difference.kind](difference)}`),
    rest > 0 && `  and ${count(rest, 'more range')} (--json has ${differences.length})`,
    redoable.slice(0, 3).map((range) => `  ${redoCommand(table, range, known)}`),
  )
}
