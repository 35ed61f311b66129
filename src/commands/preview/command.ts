// Owns `backfill preview`: the rows of a transform for a range, its statement or its query plan. Reads only.
import { EXIT, usageError } from '../../model/errors.ts'
import type { Network, TableDefinition } from '../../model/model.ts'
import type { Range } from '../../model/blocks.ts'
import { resolveLimits } from '../../planning/bounds.ts'
import { boundStatement } from './bound-statement.ts'
import { intersect } from '../../model/blocks.ts'
import { nonEmpty, positiveCount, readFlag, type Flags } from '../../workspace/values.ts'
import type { Command, Context } from '../../session/command.ts'
import { count, formatRange } from '../../terminal/render/format.ts'
import { requireOneTable, typedRange } from '../../terminal/one-table-one-range.ts'
import { escapeControlCharacters } from '../../terminal/render/escape.ts'
import { withConnections } from '../../session/session.ts'

const DEFAULT_LIMIT = 20

export const preview: Command = async (context) => {
  const { config, output, flags } = context
  const name = requireOneTable(flags, 'preview')
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

  if (flags.has('print-sql')) {
    await printStatement(context, { table, network, range })
    return EXIT.ok
  }
  if (inside === undefined) return EXIT.ok
  return await withConnections(context, async (connections) => {
    const { withPreview } = await import('./preview.ts')
    return await withPreview(connections, { table, network, range: inside }, async (look) => {
      if (flags.has('explain')) output.result(explained(await look.explain()))
      else if (format !== undefined) await output.stream(await look.stream(format, limit))
      else
        output.result(
          firstRows(await look.table(limit ?? DEFAULT_LIMIT, output.columns), limit ?? DEFAULT_LIMIT),
        )
      return EXIT.ok
    })
  })
}

type Question = { readonly table: TableDefinition; readonly network: Network; readonly range: Range }

/** The part of the range within the header's `blocks`; prints a message if that is less than the range. */
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

/** Control characters are escaped, so that data cannot control a terminal. */
function firstRows(drawn: string, limit: number): readonly string[] {
  if (drawn === '') return ['No rows.']
  return [escapeControlCharacters(drawn), `At most ${count(limit, 'row')}; --limit <rows> shows more.`]
}

function explained({
  plan,
  estimate,
}: {
  readonly plan: string
  readonly estimate: string
}): readonly string[] {
  return [
    escapeControlCharacters(plan),
    'At most this would be read:',
    escapeControlCharacters(estimate).trimEnd(),
  ]
}

/** @throws BackfillError `usage` where flags ask for different things */
function assertNotMixed(flags: Flags): void {
  const typed = ['print-sql', 'explain', 'format']
    .filter((flag) => flags.has(flag))
    .map((flag) => `--${flag}`)
  if (typed.length > 1) throw usageError(`${typed.join(' and ')} exclude each other`, 'keep one of them')
  if (flags.has('limit') && typed[0] !== undefined && typed[0] !== '--format')
    throw usageError(`--limit has no effect with ${typed[0]}`, 'remove it')
}
