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
import type { TableDefinition } from '../../model/model.ts'
import { quoteIdentifier, quoteString } from '../../sql-syntax/quoting.ts'
import { BoundText } from '../../sql-syntax/parameter-value.ts'
import { significantTokens } from '../../sql-syntax/lexer.ts'
import { usedParameters } from '../../sql-syntax/parameters.ts'
import { withReplaced } from '../../sql-syntax/tokens.ts'

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

/** The transform for any client: the file's layout, the header's settings in a clause, and the runner's values. */
export function boundStatement(
  { transform, settings }: Pick<TableDefinition, 'transform' | 'settings'>,
  values: Readonly<Record<string, unknown>>,
): string {
  const tokens = significantTokens(transform)
  const texts = new Map<number, string>()
  for (const { name, type, from, to } of usedParameters(transform)) {
    if (!Object.hasOwn(values, name)) continue
    for (let at = from; at <= to; at++) texts.set(at, '')
    const given = values[name]
    const value = given instanceof BoundText ? ownLiteral(given, type) : literal(String(given), type)
    // `-7::UInt64` would be the cast of -7.
    texts.set(from, tokens[from - 1]?.text === '-' ? `(${value})` : value)
  }
  const text = withReplaced(transform, texts)
  const clause = Object.entries(settings).map(([name, value]) => `${name} = ${settingLiteral(value)}`)
  // Around the SELECT, as the runner sends them: a SETTINGS clause in the transform wins.
  return clause.length === 0 ? text : `SELECT * FROM (\n${text}\n)\nSETTINGS ${clause.join(', ')}`
}

/** Its escapes are as written; a string of an array or the like is read by its type. */
function ownLiteral({ text }: BoundText, type: string): string {
  return text === '\\N'
    ? `NULL::${type}`
    : /^[[({]/.test(text) || type !== 'String'
      ? literal(text, type)
      : `'${text}'`
}

/** With its type, because a bare 100 is a UInt8, which hashes and overflows differently. */
function literal(value: string, type: string): string {
  if (type === 'Identifier') return quoteIdentifier(value)
  if (type === 'String') return quoteString(value)
  return /^\d+$/.test(value) && /^U?Int\d+$/.test(type)
    ? `${value}::${type}`
    : `${quoteString(value)}::${type}`
}

function settingLiteral(value: string): string {
  return /^-?\d+(\.\d+)?$/.test(value) ? value : quoteString(value)
}
