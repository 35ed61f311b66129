// Owns how `doctor` looks: a line for each check in its group, what to type below it where not all is well. Pure.
import { EXIT } from '../../model/errors.ts'
import { CHECKS, type Diagnosis, type Verdict } from './checks/finding.ts'
import { oneLine } from '../../terminal/render/error.ts'
import { count } from '../../terminal/render/format.ts'
import type { Colors } from '../../terminal/render/format.ts'

export function renderDoctor(found: readonly Diagnosis[], colors: Colors): readonly string[] {
  const width = (of: (one: Diagnosis) => string) => Math.max(0, ...found.map((one) => of(one).length))
  const [checks, abouts] = [width(({ check }) => check), width(({ about }) => about)]
  const line = ({ check, verdict, about, found: what, hint }: Diagnosis): readonly string[] => [
    `  ${brush(colors, verdict)(verdict.padEnd(4))}  ${check.padEnd(checks)}  ${colors.dim(about.padEnd(abouts))}  ${oneLine(what)}`,
    ...(hint === undefined ? [] : [`        ${colors.bold('->')} ${oneLine(hint)}`]),
  ]
  const groups = Map.groupBy(found, ({ check }) => CHECKS[check])
  return [
    ...[...groups].flatMap(([group, own]) => [colors.bold(group), ...own.flatMap(line), '']),
    tally(found, colors),
  ]
}

export function doctorFields(found: readonly Diagnosis[]): object {
  return {
    ...tallies(found),
    checks: found.map((one) => ({
      ...one,
      group: CHECKS[one.check],
      found: oneLine(one.found),
      hint: one.hint && oneLine(one.hint),
    })),
  }
}

/** A server that is away outweighs what else failed: most of it follows from that. */
export function doctorExit(found: readonly Diagnosis[]): number {
  const failed = found.filter(({ verdict }) => verdict === 'fail')
  if (failed.length === 0) return EXIT.ok
  return failed.some(({ check }) => check === 'reach') ? EXIT.server : EXIT.failed
}

function tally(found: readonly Diagnosis[], colors: Colors): string {
  const { ok, warn, fail } = tallies(found)
  return [
    colors.green(`${ok} ok`),
    ...(warn === 0 ? [] : [colors.yellow(count(warn, 'warning'))]),
    ...(fail === 0 ? [] : [colors.red(count(fail, 'failure'))]),
  ].join(', ')
}

function tallies(found: readonly Diagnosis[]): Readonly<Record<Verdict, number>> {
  const of = (verdict: Verdict) => found.filter((one) => one.verdict === verdict).length
  return { ok: of('ok'), warn: of('warn'), fail: of('fail') }
}

function brush(colors: Colors, verdict: Verdict): (text: string) => string {
  return { ok: colors.green, warn: colors.yellow, fail: colors.red }[verdict]
}
