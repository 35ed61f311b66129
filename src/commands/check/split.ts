// Owns `check --split`: whether a range that is computed in pieces has the rows that it has in one piece. SELECTs only.
import { namedBlocks, type Range } from '../../model/blocks.ts'
import { fileError, usageError } from '../../model/errors.ts'
import type { TableDefinition } from '../../model/model.ts'
import { count } from '../../terminal/render/format.ts'
import { existingTables } from '../../clickhouse/existing-tables.ts'
import { errorCode } from '../../clickhouse/server-error.ts'
import type { Report } from '../../sql-syntax/problems.ts'
import { isCollapsing } from '../../targets/compared-columns.ts'
import { describeTransform, readerOf } from '../../targets/transform.ts'
import { readSides, type Sides } from '../../targets/compare-sides.ts'
import { missedRows } from './missed-rows.ts'
import { callOf, FEWER_PIECES, FEWEST_PIECES, MOST_PIECES, piecesOf, textOf } from './pieces.ts'
import { type CheckServers, someParams } from './queries.ts'

export type SplitQuestion = {
  readonly servers: CheckServers
  readonly table: TableDefinition
  /** All tables: among them are its inputs. */
  readonly tables: readonly TableDefinition[]
  readonly range: Range
}

/** Reports E081 if the rows differ; else returns a sentence. @throws BackfillError `usage` for a table whose ranges are no pieces, or that does not exist; `server` */
export async function checkSplit(question: SplitQuestion, report: Report): Promise<string | undefined> {
  const { servers, table, range } = question
  if (table.sequential === 'itself')
    throw usageError(
      `${table.key} reads its own rows: a piece of it cannot be computed by itself`,
      'backfill verify compares what runs have stored',
    )
  const { target } = servers
  const existing = (await existingTables(target, [table.target])).get(table.target)
  if (existing === undefined)
    throw usageError(
      `--split compares rows by the sorting key of the table, and ${target.connection.database}.${table.target} does not exist`,
      `backfill create-tables --tables ${table.key}`,
    )
  const reader = readerOf(servers, table)
  const describe = (one: TableDefinition) =>
    describeTransform(reader, one, {
      params: someParams(servers, one),
      settings: one.settings,
    })
  const comparison = {
    ...question,
    reader,
    sides: await readSides(target, describe, table),
    countsRows: !isCollapsing(existing),
  }
  for (const most of [MOST_PIECES, FEWER_PIECES])
    try {
      return await comparePieces(comparison, piecesOf(range, most), report)
    } catch (error) {
      if (errorCode(error) !== MEMORY_LIMIT_EXCEEDED) throw error
    }
  return await comparePieces(comparison, piecesOf(range, FEWEST_PIECES), report)
}

type Comparison = SplitQuestion & {
  readonly reader: CheckServers['source']
  readonly sides: Sides
  readonly countsRows: boolean
}

/** One statement computes all pieces, so that the server compares them: it takes the memory of each. */
async function comparePieces(
  { reader, sides, countsRows, ...question }: Comparison,
  pieces: readonly Range[],
  report: Report,
): Promise<string | undefined> {
  const { servers, table, range } = question
  const ranges = [range, ...pieces]
  const call = callOf(servers, table, ranges)
  const rows = ranges
    .map(
      (_, at) =>
        `SELECT ${at} AS piece, backfill_key, backfill_position, backfill_hash, backfill_values FROM (${sideOf(sides, table, at)})`,
    )
    .join('\nUNION ALL\n')
  const [sum] = await reader.client.rows<Sum>({
    ...call,
    query: sumQuery(table, rows, countsRows),
  })
  const { whole, cut, different, several, keys, seen } = sum!
  if (whole === '0' && cut === '0')
    return `${table.key}: ${namedBlocks([range])} have no rows, so nothing was compared; name a range that has some.`
  // A difference of an input is that input's.
  const stored = table.after.length === 0 ? '' : ` (${table.after.join(', ')} read as stored)`
  if (Number(different) === 0 && Number(several) === 0) {
    const same = `${table.key}: ${namedBlocks([range])} yield ${count(Number(whole), 'row')}, the same in one piece and in ${ranges.length - 1} pieces${stored}.`
    const unread = ranges.flatMap((_, at) => (seen.includes(at) ? [] : [at]))
    return [same, ...(await missedRows(question, ranges, unread))].join(' ')
  }
  const examples = await reader.client.rows<Example>({
    ...call,
    query: `SELECT piece, any(backfill_values) AS row FROM (${rows}) WHERE hex(backfill_key) = {backfill_key:String} GROUP BY piece, backfill_hash ORDER BY piece, row LIMIT ${MOST_ROWS}`,
    query_params: { ...call.query_params, backfill_key: keys[0] },
  })
  const shown = ({ piece, row }: Example) =>
    `${piece === 0 ? 'in one piece' : `in ${namedBlocks([ranges[piece]!])}`} (${row.map((value, at) => `${sides.compared[at]} ${value.slice(0, MOST_CHARACTERS)}`).join(', ')})`
  report(
    fileError({
      rule: 'E081',
      file: table.transform.file,
      line: table.transform.line,
      ...(Number(different) > 0
        ? {
            sentence: `${namedBlocks([range])} of ${table.key} have ${whole} rows in one piece and ${cut} in ${ranges.length - 1} pieces; the rows of ${count(Number(different), 'key')} differ, such as ${examples.map(shown).join(', ')}`,
            hint: 'rows of a range must depend on that range alone: read the whole of each group, such as an hour or an epoch, whatever part of it the range has',
          }
        : {
            sentence: `${namedBlocks([range])} of ${table.key} yield several rows of ${count(Number(several), 'key')}, such as ${examples.map(shown).join(', ')}: which of them the table keeps is random`,
            hint: 'yield one row per key, or add to the sorting key what tells the rows apart',
          }),
    }),
  )
  return undefined
}

/** Rows of an example, and characters of a value, that fit into a finding. */
const [MOST_ROWS, MOST_CHARACTERS] = [3, 40]

type Sum = {
  readonly whole: string
  readonly cut: string
  readonly different: string
  readonly several: string
  readonly keys: readonly string[]
  /** The pieces that have a row. */
  readonly seen: readonly number[]
}

type Example = { readonly piece: number; readonly row: readonly string[] }

const MEMORY_LIMIT_EXCEEDED = 241

/** The rows of a piece. */
function sideOf({ recomputed }: Sides, table: TableDefinition, piece: number): string {
  return recomputed.replace(table.transform.text, () => textOf(table, piece))
}

/**
 * By key: the rows of the one piece, and those that all others leave of it: of a table with one row per key, the ones at the
 * earliest or latest position. All of them have to be the same, so that no order of the pieces matters.
 */
function sumQuery({ rows }: TableDefinition, all: string, countsRows: boolean): string {
  const best = rows.kind === 'per-key' && rows.keep === 'earliest' ? 'arrayMin' : 'arrayMax'
  const left = (side: string) =>
    `arraySort(arrayFilter(row -> row.1 = ${best}(other -> other.1, ${side}), ${side}))`
  const differs = `${left('whole_rows')} != ${left('pieces_rows')}${countsRows ? ' OR in_whole != in_pieces' : ''}`
  // Of several rows of a key the engine keeps one, and a comparison of all of them finds none different.
  const several = countsRows ? 'false' : `length(${left('whole_rows')}) > 1`
  return `SELECT toString(sum(in_whole)) AS whole, toString(sum(in_pieces)) AS cut, toString(countIf(${differs})) AS different,
    toString(countIf(${several})) AS several,
    arrayConcat(groupArrayIf(1)(hex(backfill_key), ${differs}), groupArrayIf(1)(hex(backfill_key), ${several})) AS keys, groupUniqArrayArray(key_pieces) AS seen
  FROM (
    SELECT backfill_key, countIf(piece = 0) AS in_whole, countIf(piece > 0) AS in_pieces, groupUniqArray(piece) AS key_pieces,
      groupUniqArrayIf((backfill_position, backfill_hash), piece = 0) AS whole_rows,
      groupUniqArrayIf((backfill_position, backfill_hash), piece > 0) AS pieces_rows
    FROM (${all}) GROUP BY backfill_key
  )`
}
