// Owns `backfill preview`: the rows of a transform for a range, or its statement. Reads only.
import { EXIT } from '../../model/errors.ts'
import type { PreviewQuestion } from './preview.ts'
import { intersect, type Range } from '../../model/blocks.ts'
import { resolveLimits } from '../../planning/bounds.ts'
import { readScope } from '../../workspace/open.ts'
import { nonEmpty, positiveCount, readFlag } from '../../workspace/values.ts'
import type { Command, Context } from '../../session/command.ts'
import { count, formatRange } from '../../terminal/render/format.ts'
import { requireOneTable, typedRange } from '../../terminal/one-table-one-range.ts'
import { withConnections } from '../../session/session.ts'
import { boundStatement } from '../../sql-syntax/bound-statement.ts'

const DEFAULT_LIMIT = 20

export const preview: Command = async (context) => {
  const { config, output, flags } = context
  const name = requireOneTable(flags, 'preview')
  const range = typedRange(flags, '`preview`')
  const limit = readFlag(flags, 'limit', positiveCount)
  const format = readFlag(flags, 'format', nonEmpty)
  const json = flags.has('json')
  const { network, chosen } = await readScope(config, [name])
  const table = chosen[0]!
  const inside = insideLimits(context, { table, network, range })

  if (flags.has('print-sql')) {
    const { transformParams } = await import('../../targets/transform.ts')
    const [source, target] = [config.databases.source, config.databases.target].map(({ value }) => ({
      database: value,
    }))
    const values = transformParams({ table, network, range, source: source!, target: target! })
    // `::` at the beginning of a line is a command of a CI log.
    output.data(`${boundStatement(table, values)};`.replaceAll(/^\s*(?=::)/gm, '$&/**/').split('\n'))
    return EXIT.ok
  }
  if (inside === undefined) {
    if (json) output.json({ table: name, range, columns: [], rows: [] })
    return EXIT.ok
  }
  return await withConnections(context, async (connections) => {
    const { withPreview } = await import('./preview.ts')
    return await withPreview(connections, { table, network, range: inside }, async (look) => {
      if (format !== undefined) await output.stream(await look.stream(format, limit))
      else if (json) output.json({ table: name, range: inside, ...(await look.rows(limit ?? DEFAULT_LIMIT)) })
      else {
        const rows = limit ?? DEFAULT_LIMIT
        const drawn = await look.table(rows, output.columns)
        output.data(
          drawn === ''
            ? ['No rows.']
            : [...drawn.split('\n'), `At most ${count(rows, 'row')}; --limit <rows> shows more.`],
        )
      }
      return EXIT.ok
    })
  })
}

/** The part of the range within the header's `blocks`; prints a message if that is less than the range. */
function insideLimits({ output }: Context, { table, network, range }: PreviewQuestion): Range | undefined {
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
