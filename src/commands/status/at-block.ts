// Owns `status --at`: what is known of one block in each table.
import { askLedger } from '../../ledger/ask.ts'
import { shortHash } from '../../ledger/stale.ts'
import type { AbsenceState } from '../../planning/absence.ts'
import { covers } from '../../model/blocks.ts'
import { EXIT } from '../../model/errors.ts'
import { minute, number } from '../../terminal/render/format.ts'
import { staleText } from '../../terminal/render/stale.ts'
import { wrap } from '../../terminal/render/wrap.ts'
import type { Context } from '../../session/session.ts'
import type { Session } from '../../workspace/open.ts'
import { presentUuids, status } from './status.ts'
import type { TableReport } from './table-report.ts'

/** `lacking`: the sources without a row of the block. */
type BlockInTable = {
  readonly table: string
  readonly state: string
  readonly built: Built | null
  readonly lacking: readonly string[]
  readonly text: string
}

/** The latest event that made the block done; `at` is ISO 8601 UTC. */
type Built = { readonly run: string; readonly sqlHash: string; readonly at: string; readonly by: string }

export async function printBlock(
  { config, output }: Context,
  { workspace, connected }: Session,
  block: number,
): Promise<number> {
  const { chosen, ports } = workspace
  const { network, tables } = await status(workspace, { lag: config.lag.value })
  const sources = [...new Set(chosen.flatMap((table) => table.sources))]
  const hasLedger = (await ports.target.ledgerState()) !== 'absent'
  const question = { block, uuids: presentUuids(tables) }
  const [events, facts] = await Promise.all([
    hasLedger ? askLedger<Built & { readonly table: string }>(connected.place, 'log/built-by', question) : [],
    ports.source.fingerprint(sources, { from: block, to: block }),
  ])
  const built = new Map(events.map(({ table, ...event }) => [table, event]))
  const found = tables.map((report) => {
    const { sources: own } = chosen.find(({ key }) => key === report.table)!
    const lacking = own.filter((source) => facts.get(source)?.blocks === 0)
    return blockIn(report, { block, built: built.get(report.table) ?? null, lacking })
  })
  output.answer({ network, block, tables: found }, [
    `network ${output.resultColors.bold(network)}, block ${number(block)}`,
    '',
    ...renderBlock(found, output.columns),
  ])
  return EXIT.ok
}

/** The first state that holds is the one that `status` would name first. */
export function blockIn(
  report: TableReport,
  { block, built, lacking }: Pick<BlockInTable, 'built' | 'lacking'> & { readonly block: number },
): BlockInTable {
  const { table, first, head } = report
  const is = (blocks: TableReport['covered']) => covers(blocks, { from: block, to: block })
  const of = (state: string, text: string) => ({ table, state, built, lacking, text })
  const by =
    built === null
      ? 'as recorded in a checkpoint'
      : `by run ${built.run.slice(0, 8)} of ${built.by} with SQL ${shortHash(built.sqlHash)}, ${minute(built.at)} UTC`
  const stale = report.staleVersions.find(({ blocks }) => is(blocks))
  const absence = (state: AbsenceState) => report.absences.find((one) => one.state === state)
  const [unknown, emptied, lost] = [absence('unknown rows'), absence('emptied'), absence('emptied in part')]
  if (is(report.inProgress)) return of('in progress', `on ${report.lock?.host} (pid ${report.lock?.pid})`)
  if (is(report.dirty)) return of('dirty', `an attempt did not finish: \`backfill up ${table}\` recovers it`)
  if (unknown !== undefined) return of(unknown.state, unknown.text)
  if (emptied !== undefined && is(report.covered)) return of(emptied.state, emptied.text)
  if (stale !== undefined)
    return of('stale', `${staleText(stale, report.sqlHash)}; ${by}: \`${report.hint}\` builds it again`)
  if (is(report.accepted)) return of('accepted', `counted as done without rows, ${by}`)
  if (is(report.covered)) return of('done', lost === undefined ? by : `${by}; but ${lost.text}`)
  if (is(report.sourceGaps)) return of('source gap', 'no source has rows around it')
  if (is(report.incomplete))
    return of('waiting', lacking.length === 0 ? 'for its inputs' : `for rows of ${lacking.join(', ')}`)
  if (is(report.missing)) return of('missing', `\`backfill up ${table}\` runs it`)
  const ends =
    first === null || head === null ? 'no block is expected yet' : `its blocks are ${first}-${head}`
  return of('not expected', ends)
}

export function renderBlock(found: readonly BlockInTable[], columns: number): readonly string[] {
  const width = (key: 'table' | 'state') => Math.max(...found.map((one) => one[key].length))
  const [names, states] = [width('table'), width('state')]
  return found.flatMap(({ table, state, text }) => {
    const line = `${table.padEnd(names)}  ${state.padEnd(states)}  ${text}`
    if (line.length <= columns) return [line]
    return [`${table.padEnd(names)}  ${state}`, ...wrap(text, columns - 4, '').map((more) => `    ${more}`)]
  })
}
