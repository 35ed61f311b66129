// Owns `backfill diff`: the SQL that built the ranges of a table against the file. Reads only.
import { createTwoFilesPatch, FILE_HEADERS_ONLY } from 'diff'
import type { LedgerView } from '../../ledger/events.ts'
import type { SqlVersion } from '../../ledger/sql-versions.ts'
import { hintOf, shortHash } from '../../ledger/stale.ts'
import { staleVersions } from '../../ledger/staleness.ts'
import { blockSet } from '../../model/blocks.ts'
import { EXIT } from '../../model/errors.ts'
import type { TableDefinition } from '../../model/model.ts'
import { presentSql, type StaleReport, staleReports } from '../../planning/stale-ranges.ts'
import { uuidsOf } from '../../planning/table-status.ts'
import type { Workspace } from '../../runner/workspace.ts'
import { type Command, withWorkspace } from '../../session/session.ts'
import { requireOneTable } from '../../terminal/one-table-one-range.ts'
import { type Colors, formatRanges, listOf, minute } from '../../terminal/render/format.ts'
import { staleFields } from '../../terminal/render/json.ts'
import { staleText } from '../../terminal/render/stale.ts'

export const diffCommand: Command = async (context) => {
  const { flags, output } = context
  requireOneTable(flags, 'diff')
  return await withWorkspace(context, async ({ workspace }) => {
    const report = await sqlDiff(workspace)
    if (flags.has('json')) output.json(diffFields(report))
    else output.data(renderDiff(report, output.resultColors, output.carry))
    return EXIT.ok
  })
}

type DiffReport = Awaited<ReturnType<typeof sqlDiff>>

/** The version that built the most stale blocks of the chosen table, and the file; with the ranges that each built. */
async function sqlDiff({ ports, network, chosen, catalogue }: Workspace) {
  const table = chosen[0]!
  const [targets, ledger] = await Promise.all([
    ports.target.tables([table.target]),
    ports.target.ledgerState(),
  ])
  const target = targets.get(table.target)
  const [views, texts] =
    ledger === 'absent'
      ? [new Map<string, LedgerView>(), []]
      : await Promise.all([ports.ledger.fold(uuidsOf([table], targets)), ports.versions.texts(table.key)])
  const islands = views.get(table.key)?.islands ?? []
  const versions = staleVersions(islands, presentSql(table, network))
  const stale = await staleReports({ ports }, { table, target, stale: versions })
  const current = islands.filter(({ state, sqlHash }) => state === 'done' && sqlHash === table.sqlHash)
  const { sqlHash, rawHash, rawText, transform } = table
  const to = { sqlHash, rawHash, file: transform.file, text: rawText, keptAt: undefined }
  const from = earlier(table, texts, stale) ?? to
  return {
    table: table.key,
    target: `${ports.target.database}.${table.target}`,
    sqlHash,
    hint: hintOf(table, catalogue.tables),
    /** Done ranges that the file's SQL built. */
    current: blockSet(current),
    stale,
    from,
    to,
    /** `form`: comments, formatting, or header lines that change no row. `unknown`: the text was not kept. */
    change:
      from.text === undefined
        ? 'unknown'
        : from.text === to.text
          ? 'none'
          : from.sqlHash === sqlHash
            ? 'form'
            : 'sql',
  } as const
}

/** One version of a table's SQL; undefined fields: no text was kept, or (`keptAt`) it is the file as it is now. */
type DiffSide = { readonly sqlHash: string } & {
  readonly [field in 'rawHash' | 'file' | 'text' | 'keptAt']: string | undefined
}

/** The version that built the most stale blocks; if no SQL changed, the last equivalent text unlike the file. */
function earlier(
  { sqlHash: present, rawHash: file }: TableDefinition,
  texts: readonly SqlVersion[],
  stale: readonly StaleReport[],
): DiffSide | undefined {
  const hash = stale.find(({ reasons }) => reasons.includes('sql'))?.hash
  if (hash === undefined)
    return texts.findLast(({ sqlHash, rawHash }) => sqlHash === present && rawHash !== file)
  const nothing = { rawHash: undefined, file: undefined, text: undefined, keptAt: undefined }
  // Its ranges may have been built with an earlier equivalent text.
  return texts.findLast(({ sqlHash }) => sqlHash === hash) ?? { ...nothing, sqlHash: hash }
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

/** Without the texts: the patch has the differences. */
function diffFields(report: DiffReport): object {
  const { stale, from, to, ...rest } = report
  const patch = patchOf(report)?.join('\n')
  return { ...rest, staleVersions: staleFields(stale), from: withoutText(from), to: withoutText(to), patch }
}

function withoutText({ sqlHash, rawHash, file, keptAt }: DiffSide): object {
  return { sqlHash, rawHash, file, keptAt }
}

function patchOf({ from, to, change }: DiffReport): readonly string[] | undefined {
  if (from.text === undefined || change === 'none') return undefined
  const options = { context: 3, headerOptions: FILE_HEADERS_ONLY }
  const [was, is] = [sideText(from), sideText(to)]
  const patch = createTwoFilesPatch(from.file ?? '', to.file, from.text, to.text, was, is, options)
  return patch.trimEnd().split('\n')
}

function sideText({ sqlHash, keptAt }: DiffSide): string {
  return `${shortHash(sqlHash)}, ${keptAt === undefined ? 'the file' : `kept ${minute(keptAt)} UTC`}`
}

function colored(line: string, colors: Colors): string {
  if (line.startsWith('---') || line.startsWith('+++')) return colors.bold(line)
  if (line.startsWith('@@')) return colors.cyan(line)
  if (line.startsWith('-')) return colors.red(line)
  return line.startsWith('+') ? colors.green(line) : line
}

function changeText({ from, to, change, stale }: DiffReport): string {
  const [was, is] = [from, to].map(({ sqlHash }) => shortHash(sqlHash))
  switch (change) {
    case 'none':
      return stale.some(({ reasons }) => reasons.includes('sql'))
        ? `${was} and ${is} are the same text.`
        : 'The SQL has not changed since it built these ranges.'
    case 'form':
      return 'Only comments, formatting, or header lines that change no row differ: this makes nothing stale.'
    case 'unknown':
      return `The text of ${was} is unknown: the ledger did not keep SQL texts yet when it ran.`
    default:
      return `${was} and ${is} differ in what they compute, or in its settings.`
  }
}
