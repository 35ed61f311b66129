// Owns `backfill preview`: what a transform yields for a range, its statement or its plan. Nothing is written.
import { BackfillError, EXIT, usageError } from '../../model/errors.ts'
import type { Network, TableDefinition } from '../../model/model.ts'
import type { Range } from '../../model/blocks.ts'
import { resolveLimits } from '../../planning/bounds.ts'
import { boundStatement } from './bound-statement.ts'
import { intersect } from '../../model/blocks.ts'
import { nonEmpty, positiveCount, readFlag, type Flags } from '../../workspace/values.ts'
import { typedRange } from '../../terminal/one-table-one-range.ts'
import type { Command, Context } from '../../session/command.ts'
import { formatRange } from '../../terminal/render/format.ts'
import { requireOneTable } from '../../terminal/one-table-one-range.ts'
import { renderExplained, renderPreview } from './render.ts'
import { withConnections } from '../../session/session.ts'

const DEFAULT_LIMIT = 20

export const preview: Command = async (context) => {
  const { config, output, flags } = context
  const name = oneTable(flags)
  const range = typedRange(flags, '`preview`')
  const limit = readFlag(flags, 'limit', positiveCount)
  const format = readFlag(flags, 'format', nonEmpty)
  assertNotMixed(flags)
  const { chooseTables, findNetwork, readCatalogue } = await import('../../project/sql-folder.ts')
  const catalogue = await readCatalogue(config.sql.value)
  const [table] = chooseTables(catalogue, [name])
  if (table === undefined) throw new Error('chooseTables() finds the table or throws')
  const network = findNetwork(catalogue, config.network.value)
  const inside = insideLimits(context, { table, network, range })

  if (flags.has('statement')) {
    await printStatement(context, { table, network, range })
    return EXIT.ok
  }
  output.message(config.warnings.map((warning) => `${output.messageColors.yellow('warning:')} ${warning}`))
  if (inside === undefined) return EXIT.ok
  return await withConnections(context, async (connections) => {
    const { withPreview } = await import('./preview.ts')
    return await withPreview(connections, { table, network, range: inside }, async (look) => {
      const style = { columns: output.columns, colors: output.resultColors }
      if (flags.has('explain')) output.result(renderExplained(await look.explain(), style.colors))
      else if (format !== undefined) await output.stream(await look.stream(format, limit))
      else output.result(renderPreview(await look.rows(limit ?? DEFAULT_LIMIT), style))
      return EXIT.ok
    })
  })
}

/** `--sql` is a switch here: whoever gives it the folder, as everywhere else, has named a second table. */
function oneTable(flags: Flags): string {
  try {
    return requireOneTable(flags, 'preview')
  } catch (error) {
    if (!(error instanceof BackfillError && flags.has('statement'))) throw error
    throw usageError(error.message, '--sql prints the statement here; the folder is --sql-folder')
  }
}

type Question = { readonly table: TableDefinition; readonly network: Network; readonly range: Range }

/** What `up` would ever run of the range: the header's `blocks` cut it, and that is said. */
function insideLimits({ output }: Context, { table, network, range }: Question): Range | undefined {
  const { from = 0, to = Number.MAX_SAFE_INTEGER } = resolveLimits(table.blocks, network.forks)
  const [inside] = from <= to ? intersect([range], [{ from, to }]) : []
  const limits = `${from === 0 ? '' : from}..${to === Number.MAX_SAFE_INTEGER ? '' : to}`
  if (inside === undefined)
    output.message([
      `${table.key} has no rows in ${formatRange(range)} by definition: its blocks on ${network.name} are ${limits}.`,
    ])
  else if (inside.from !== range.from || inside.to !== range.to)
    output.message([
      `Only ${formatRange(inside)}: the blocks of ${table.key} on ${network.name} are ${limits}.`,
    ])
  return inside
}

async function printStatement({ config, output }: Context, question: Question): Promise<void> {
  const { transformParams } = await import('../../targets/transform.ts')
  const { source, target } = config.databases
  const values = transformParams({ ...question, source: source.value, target: target.value })
  output.result([`${boundStatement(question.table, values)};`])
}

function assertNotMixed(flags: Flags): void {
  const shapes = [
    ['--sql', 'statement'],
    ['--explain', 'explain'],
    ['--format', 'format'],
  ] as const
  const typed = shapes.filter(([, kept]) => flags.has(kept)).map(([flag]) => flag)
  if (typed.length > 1) throw usageError(`${typed.join(' and ')} exclude each other`, 'keep one of them')
  if (flags.has('limit') && typed[0] !== undefined && typed[0] !== '--format')
    throw usageError(`--limit means nothing with ${typed[0]}`, 'leave it out')
}
