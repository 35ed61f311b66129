// Owns `backfill diff`.
import { EXIT } from '../../model/errors.ts'
import { nonEmpty, readFlag } from '../../workspace/values.ts'
import type { Command } from '../../session/command.ts'
import { requireOneTable } from '../../terminal/one-table-one-range.ts'
import { withWorkspace } from '../../session/session.ts'
import { createTwoFilesPatch, FILE_HEADERS_ONLY } from 'diff'
import { shortHash } from '../../ledger/stale.ts'
import type { DiffReport, DiffSide } from './diff.ts'
import { type Colors, formatRanges, listOf, minute } from '../../terminal/render/format.ts'
import { staleFields } from '../../terminal/render/json.ts'
import { staleText } from '../../terminal/render/stale.ts'

export const diffCommand: Command = async (context) => {
  const { flags, output } = context
  requireOneTable(flags, 'diff')
  const question = {
    fromHash: readFlag(flags, 'from-hash', nonEmpty),
    toHash: readFlag(flags, 'to-hash', nonEmpty),
  }
  return await withWorkspace(context, async ({ workspace }) => {
    const { sqlDiff } = await import('./diff.ts')
    const report = await sqlDiff(workspace, question)
    if (flags.has('json')) output.json(diffFields(report))
    else output.data(renderDiff(report, output.resultColors, output.carry))
    return EXIT.ok
  })
}

function renderDiff(report: DiffReport, colors: Colors, carry: (text: string) => string): readonly string[] {
  const { table, target, sqlHash, current, stale, hint } = report
  const patch = patchOf(report)
  return listOf(
    `${colors.bold(table)}  ${target}`,
    current.length > 0 &&
      `  ${formatRanges(current)}: as the file is now, ${colors.green(shortHash(sqlHash))}`,
    stale.map((version) => `  stale ${formatRanges(version.blocks)}: ${staleText(version, sqlHash)}`),
    current.length + stale.length === 0 && '  nothing is built yet',
    '',
    patch && [...patch.map((line) => colored(line, colors)), ''],
    changeText(report),
    stale.length > 0 && carry(`\`${hint}\` builds the stale ranges again.`),
  )
}

function diffFields(report: DiffReport): object {
  const { stale, from, to, ...rest } = report
  const patch = patchOf(report)?.join('\n')
  return { ...rest, staleVersions: staleFields(stale), from: withoutText(from), to: withoutText(to), patch }
}

function withoutText({ sqlHash, rawHash, file, keptAt }: DiffSide): object {
  return { sqlHash, rawHash, file, keptAt }
}

function patchOf({ from, to, change }: DiffReport): readonly string[] | undefined {
  if (from.text === undefined || to.text === undefined || change === 'none') return undefined
  const patch = createTwoFilesPatch(
    from.file ?? '',
    to.file ?? '',
    from.text,
    to.text,
    sideText(from),
    sideText(to),
    { context: 3, headerOptions: FILE_HEADERS_ONLY },
  )
  return patch.trimEnd().split('\n')
}

function sideText({ sqlHash, keptAt }: DiffSide): string {
  return keptAt === undefined
    ? `${shortHash(sqlHash)}, the file`
    : `${shortHash(sqlHash)}, kept ${minute(keptAt)} UTC`
}

function colored(line: string, colors: Colors): string {
  if (line.startsWith('---') || line.startsWith('+++')) return colors.bold(line)
  if (line.startsWith('@@')) return colors.cyan(line)
  if (line.startsWith('-')) return colors.red(line)
  return line.startsWith('+') ? colors.green(line) : line
}

function changeText({ from, to, change, stale }: DiffReport): string {
  switch (change) {
    case 'none':
      return stale.some(({ reasons }) => reasons.includes('sql'))
        ? `${shortHash(from.sqlHash)} and ${shortHash(to.sqlHash)} are the same text.`
        : 'The SQL has not changed since it built these ranges.'
    case 'form':
      return 'Only comments, formatting, or header lines that change no row differ: this makes nothing stale.'
    case 'unknown': {
      const lost = from.text === undefined ? from : to
      return `The text of ${shortHash(lost.sqlHash)} is unknown: the ledger did not keep SQL texts yet when it ran.`
    }
    default:
      return `${shortHash(from.sqlHash)} and ${shortHash(to.sqlHash)} differ in what they compute, or in its settings.`
  }
}
