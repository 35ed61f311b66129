// Owns `backfill doctor`: it checks servers, connections, rights, storage and ledger before a run. Reads only.
import { BackfillError, usageError, EXIT } from '../../model/errors.ts'
import { PROGRAM_SQL } from '../../package-folder.ts'
import { duration, readFlag, selectors } from '../../workspace/values.ts'
import { type Command, type Context, withConnections } from '../../session/session.ts'
import { type Finding, findings, type CheckStatus } from './finding.ts'
import { placeOf } from '../../workspace/open.ts'
import { oneLine } from '../../terminal/render/error.ts'
import { visible } from '../../terminal/render/printable.ts'
import { type Colors, count, listOf } from '../../terminal/render/format.ts'

/** Long enough for proxies with the shortest idle timeout; --idle sets a longer wait. */
const IDLE_SECONDS = 3

export const doctor: Command = async (context) => {
  const { config, output, flags } = context
  const idleSeconds = Math.ceil((readFlag(flags, 'idle', duration) ?? IDLE_SECONDS * 1000) / 1000)
  if (idleSeconds < 1 || idleSeconds > 3000)
    throw usageError(`--idle must be a time from 1s to 50m, got '${flags.get('idle')?.text}'`)
  const files = await readFiles(context)
  const found = await withConnections(context, async (connections) => {
    const { runChecks } = await import('./doctor.ts')
    output.message([`Asking the servers; this takes about ${idleSeconds + 1} s. Nothing is written.`])
    const asked = { network: config.network.value, idleSeconds }
    return await runChecks({ ...connections, ...files, ...placeOf(config), ...asked })
  })
  output.answer(doctorFields(found), renderDoctor(found, output.resultColors).map(output.mask))
  return doctorExit(found)
}

/** With broken SQL files no table is checked, but the servers are. The flags must be valid in either case. */
async function readFiles({ config, flags }: Context) {
  const { readSqlChecks } = await import('./sql-checks.ts')
  const { chooseTables, findNetwork, readCatalogue } = await import('../../project/sql-folder.ts')
  const { fail } = findings('sql-files', '')
  const broken: Finding[] = []
  const checks = await readSqlChecks([PROGRAM_SQL, ...config.sql.value], ({ message, hint }) =>
    broken.push(fail(message, hint ?? 'See docs/reference/doctor.md')),
  )
  const catalogue = await readCatalogue(...config.sql.value).catch((error: unknown) => {
    if (!(error instanceof BackfillError)) throw error
    broken.push(fail(`${error.message}; no table was checked`, 'backfill check --offline'))
    return undefined
  })
  if (catalogue === undefined) return { checks, broken, tables: [], catalogue: NO_TABLES }
  findNetwork(catalogue, config.network.value)
  return { checks, broken, tables: chooseTables(catalogue, selectors(flags)), catalogue }
}

export function renderDoctor(found: readonly Finding[], colors: Colors): readonly string[] {
  const lines = found.map(asShown)
  const width = (of: (one: Finding) => string) => Math.max(0, ...lines.map((one) => of(one).length))
  const [checks, subjects] = [width(({ check }) => check), width(({ subject }) => subject)]
  const brush = { ok: colors.green, warn: colors.yellow, fail: colors.red }
  const line = ({ check, status, subject, finding, hint }: Finding) =>
    listOf(
      `  ${brush[status](status.padEnd(4))}  ${check.padEnd(checks)}  ${colors.dim(subject.padEnd(subjects))}  ${finding}`,
      hint !== undefined && `        ${colors.bold('->')} ${hint}`,
    )
  const groups = Map.groupBy(lines, ({ group }) => group)
  return [
    ...[...groups].flatMap(([group, own]) => [colors.bold(group), ...own.flatMap(line), '']),
    tally(found, colors),
  ]
}

export function doctorFields(found: readonly Finding[]): object {
  return { ...tallies(found), checks: found.map(asShown) }
}

/** Texts of servers and files are shown in one line, with control characters escaped. */
function asShown({ subject, finding, hint, ...one }: Finding): Finding {
  return { ...one, subject: shown(subject), finding: shown(finding), hint: hint && shown(hint) }
}

const shown = (text: string) => visible(oneLine(text))

/** An unreachable server outweighs other failures: most of them follow from it. */
export function doctorExit(found: readonly Finding[]): number {
  const failed = found.filter(({ status }) => status === 'fail')
  if (failed.length === 0) return EXIT.ok
  return failed.some(({ check }) => check === 'reach') ? EXIT.server : EXIT.failed
}

function tally(found: readonly Finding[], colors: Colors): string {
  const { ok, warn, fail } = tallies(found)
  return listOf(
    colors.green(`${ok} ok`),
    warn > 0 && colors.yellow(count(warn, 'warning')),
    fail > 0 && colors.red(count(fail, 'failure')),
  ).join(', ')
}

function tallies(found: readonly Finding[]): Readonly<Record<CheckStatus, number>> {
  const of = (status: CheckStatus) => found.filter((one) => one.status === status).length
  return { ok: of('ok'), warn: of('warn'), fail: of('fail') }
}

const NO_TABLES = { sources: [], tables: [] }
