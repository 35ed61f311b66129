// Owns asking up to where sources are complete, with the SELECTs of `sql/source/<table>.ready.sql`.
import { type BackfillError, fileError } from '../model/errors.ts'
import type { SourceDefinition, SqlText } from '../model/model.ts'
import { blamesText } from '../clickhouse/error-codes.ts'
import { messageOf } from '../clickhouse/server-error.ts'
import type { SourcePlace } from './rows.ts'

type Place = Pick<SourcePlace, 'network'> & {
  readonly server: Pick<SourcePlace['server'], 'client'>
  readonly database: string
}

/** Position (-1: nothing is complete) and reason of each source that has such a SELECT. @throws BackfillError `usage` with file and line for one that does not say so */
export async function readReadiness(place: Place, sources: readonly SourceDefinition[]) {
  const answers = sources.map(async ({ table, ready }) =>
    ready === undefined ? [] : [[table, await ask(place, ready)] as const],
  )
  return new Map((await Promise.all(answers)).flat())
}

async function ask({ server, database, network }: Place, ready: SqlText) {
  const wrong = (sentence: string) =>
    fileError({ rule: 'E060', file: ready.file, line: ready.line, sentence, hint: COLUMNS })
  const rows = await server.client
    .rows<{ readonly to: string | null; readonly reason: string; readonly type: string }>({
      // A time becomes seconds since 1970; more than one row is an error of the file.
      query: `SELECT toString(toFloat64(ready_to)) AS to, toString(reason) AS reason, toTypeName(ready_to) AS type FROM (\n${ready.text}\n) LIMIT 2`,
      query_params: { source: database, network },
      clickhouse_settings: { readonly: '2' },
      doing: `asking ${ready.file}`,
    })
    .catch((error: unknown) => {
      if (!blamesText(error as BackfillError)) throw error
      throw wrong(`ClickHouse rejects this SELECT: ${messageOf(error)}`)
    })
  const [row, another] = rows
  if (another !== undefined) throw wrong('it yields more than one row')
  // As a number it would count days.
  if (/\bDate(32)?\b/.test(row?.type ?? ''))
    throw wrong(
      `ready_to is a ${row!.type}, which may mean the first or the last second of the day; write a DateTime`,
    )
  const to = Number(row?.to ?? -1)
  if (Number.isNaN(to)) throw wrong(`ready_to is ${row!.to}`)
  // The greatest UInt64 means all of it.
  return { to: Math.min(Number.MAX_SAFE_INTEGER, Math.max(-1, Math.floor(to))), reason: row?.reason ?? '' }
}

const COLUMNS =
  'it has to yield one row with ready_to, up to which the source is complete, and reason, a text'
