// Owns `check --split`: whether a range that is computed in pieces has the rows that it has in one piece. SELECTs only.
import { namedBlocks, type Range } from '../../model/blocks.ts'
import { fileError, usageError, type Report } from '../../model/errors.ts'
import type { TableDefinition } from '../../model/model.ts'
import { count } from '../../terminal/render/format.ts'
import { existingTables } from '../../clickhouse/existing-tables.ts'
import { errorCode } from '../../clickhouse/server-error.ts'
import { isCollapsing } from '../../targets/compared-columns.ts'
import { DIGEST_SETTINGS } from '../../targets/digest.ts'
import { describeTransform, readerOf } from '../../targets/transform.ts'
import { readSides, type Sides } from '../../targets/compare-sides.ts'
import { boundTo, type CheckServers, paramsOf } from './queries.ts'

export type SplitQuestion = {
  readonly servers: CheckServers
  readonly table: TableDefinition
  readonly range: Range
}

/** More pieces would compute no other row wrong, and cost a statement each. Where the server has no room for so many, fewer. */
const PIECES = [16, 4, 2] as const

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
  const call = { params: paramsOf(servers, table), settings: table.settings }
  const sides = await readSides(target, (one) => describeTransform(reader, one, call), table)
  const comparison = { ...question, reader, sides, countsRows: !isCollapsing(existing) }
  const inPieces = async ([most, ...fewer]: readonly number[]): Promise<string | undefined> =>
    await comparePieces(comparison, piecesOf(range, most), report).catch((error: unknown) => {
      if (errorCode(error) !== MEMORY_LIMIT_EXCEEDED || fewer.length === 0) throw error
      return inPieces(fewer)
    })
  return await inPieces(PIECES)
}

/** Of a length that an hour, an epoch (384 s), a slot (12 s) or a thousand blocks is no multiple of, so that cuts go through them. Pure. */
export function piecesOf({ from, to }: Range, most: number = PIECES[0]): readonly Range[] {
  let length = Math.ceil((to - from + 1) / most)
  while (length > 1 && length < to - from && [2, 3, 5].some((factor) => length % factor === 0)) length++
  const starts = Array.from({ length: Math.ceil((to - from + 1) / length) }, (_, at) => from + at * length)
  return starts.map((start) => ({ from: start, to: Math.min(to, start + length - 1) }))
}

type Comparison = SplitQuestion & {
  readonly reader: CheckServers['source']
  readonly sides: Sides
  readonly countsRows: boolean
}

/** One statement computes all pieces, so that the server compares them: it takes the memory of each. */
async function comparePieces(
  { servers, table, range, reader, sides, countsRows }: Comparison,
  pieces: readonly Range[],
  report: Report,
): Promise<string | undefined> {
  const ranges = [range, ...pieces]
  const call = {
    clickhouse_settings: { ...table.settings, ...DIGEST_SETTINGS },
    doing: `computing ${namedBlocks([range])} of ${table.key} in pieces`,
  }
  const rows = ranges
    .map((piece, at) => {
      const side = sides.recomputed.replace(table.transform.text, () => boundTo(servers, table, piece))
      return `SELECT ${at} AS piece, backfill_key, backfill_position, backfill_hash, backfill_values FROM (${side})`
    })
    .join('\nUNION ALL\n')
  const [sum] = await reader.client.rows<Sum>({ ...call, query: sumQuery(table, rows, countsRows) })
  const { whole, cut, different, several, keys } = sum!
  if (whole === 0 && cut === 0)
    return `${table.key}: ${namedBlocks([range])} have no rows, so nothing was compared; name a range that has some.`
  // A difference of an input is that input's.
  const stored = table.after.length === 0 ? '' : ` (${table.after.join(', ')} read as stored)`
  if (different === 0 && several === 0)
    return `${table.key}: ${namedBlocks([range])} yield ${count(whole, 'row')}, the same in one piece and in ${pieces.length} pieces${stored}.`
  const examples = await reader.client.rows<Example>({
    ...call,
    query: `SELECT piece, any(backfill_values) AS row FROM (${rows}) WHERE hex(backfill_key) = {backfill_key:String} GROUP BY piece, backfill_hash ORDER BY piece, row LIMIT ${MOST_ROWS}`,
    query_params: { backfill_key: keys[0] },
  })
  const shown = ({ piece, row }: Example) =>
    `${piece === 0 ? 'in one piece' : `in ${namedBlocks([ranges[piece]!])}`} (${row.map((value, at) => `${sides.compared[at]} ${value.slice(0, MOST_CHARACTERS)}`).join(', ')})`
  report(
    fileError({
      rule: 'E081',
      file: table.transform.file,
      line: table.transform.line,
      ...(different > 0
        ? {
            sentence: `${namedBlocks([range])} of ${table.key} have ${whole} rows in one piece and ${cut} in ${pieces.length} pieces; the rows of ${count(different, 'key')} differ, such as ${examples.map(shown).join(', ')}`,
            hint: 'rows of a range must depend on that range alone: read the whole of each group, such as an hour or an epoch, whatever part of it the range has',
          }
        : {
            sentence: `${namedBlocks([range])} of ${table.key} yield several rows of ${count(several, 'key')}, such as ${examples.map(shown).join(', ')}: which of them the table keeps is random`,
            hint: 'yield one row per key, or add to the sorting key what tells the rows apart',
          }),
    }),
  )
  return undefined
}

/** Rows of an example, and characters of a value, that fit into a finding. */
const [MOST_ROWS, MOST_CHARACTERS] = [3, 40]

type Sum = {
  readonly whole: number
  readonly cut: number
  readonly different: number
  readonly several: number
  readonly keys: readonly string[]
}

type Example = { readonly piece: number; readonly row: readonly string[] }

const MEMORY_LIMIT_EXCEEDED = 241

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
  return `SELECT sum(in_whole) AS whole, sum(in_pieces) AS cut, countIf(${differs}) AS different, countIf(${several}) AS several,
    arrayConcat(groupArrayIf(1)(hex(backfill_key), ${differs}), groupArrayIf(1)(hex(backfill_key), ${several})) AS keys
  FROM (
    SELECT backfill_key, countIf(piece = 0) AS in_whole, countIf(piece > 0) AS in_pieces,
      groupUniqArrayIf((backfill_position, backfill_hash), piece = 0) AS whole_rows,
      groupUniqArrayIf((backfill_position, backfill_hash), piece > 0) AS pieces_rows
    FROM (${all}) GROUP BY backfill_key
  )`
}
