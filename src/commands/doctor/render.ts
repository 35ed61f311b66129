// Owns how `doctor` looks: one line for each check in its group, with the hint below a warning or failure. Pure.
import { EXIT } from '../../model/errors.ts'
import type { CheckStatus, Finding } from './finding.ts'
import { oneLine } from '../../terminal/render/error.ts'
import { visible } from '../../terminal/render/escape.ts'
import { type Colors, count } from '../../terminal/render/format.ts'

export function renderDoctor(found: readonly Finding[], colors: Colors): readonly string[] {
  const shown = found.map(asShown)
  const width = (of: (one: Finding) => string) => Math.max(0, ...shown.map((one) => of(one).length))
  const [checks, subjects] = [width(({ check }) => check), width(({ subject }) => subject)]
  const line = ({ check, status, subject, finding, hint }: Finding): readonly string[] => [
    `  ${brush(colors, status)(status.padEnd(4))}  ${check.padEnd(checks)}  ${colors.dim(subject.padEnd(subjects))}  ${finding}`,
    ...(hint === undefined ? [] : [`        ${colors.bold('->')} ${hint}`]),
  ]
  const groups = Map.groupBy(shown, ({ group }) => group)
  return [
    ...[...groups].flatMap(([group, own]) => [colors.bold(group), ...own.flatMap(line), '']),
    tally(found, colors),
  ]
}

export function doctorFields(found: readonly Finding[]): object {
  return { ...tallies(found), checks: found.map(asShown) }
}

/** Texts of servers and files are shown in one line, with control characters escaped. */
function asShown(one: Finding): Finding {
  const [subject, finding, hint] = [one.subject, one.finding, one.hint].map(
    (text) => text && visible(oneLine(text)),
  )
  return { ...one, subject: subject ?? '', finding: finding ?? '', hint }
}

/** An unreachable server outweighs other failures: most of them follow from it. */
export function doctorExit(found: readonly Finding[]): number {
  const failed = found.filter(({ status }) => status === 'fail')
  if (failed.length === 0) return EXIT.ok
  return failed.some(({ check }) => check === 'reach') ? EXIT.server : EXIT.failed
}

function tally(found: readonly Finding[], colors: Colors): string {
  const { ok, warn, fail } = tallies(found)
  return [
    colors.green(`${ok} ok`),
    ...(warn === 0 ? [] : [colors.yellow(count(warn, 'warning'))]),
    ...(fail === 0 ? [] : [colors.red(count(fail, 'failure'))]),
  ].join(', ')
}

function tallies(found: readonly Finding[]): Readonly<Record<CheckStatus, number>> {
  const of = (status: CheckStatus) => found.filter((one) => one.status === status).length
  return { ok: of('ok'), warn: of('warn'), fail: of('fail') }
}

function brush(colors: Colors, status: CheckStatus): (text: string) => string {
  return { ok: colors.green, warn: colors.yellow, fail: colors.red }[status]
}
