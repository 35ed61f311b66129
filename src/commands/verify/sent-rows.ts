// Owns sending the computed rows of a range from one server to the other, as a table of the statement that compares them.
import { Readable } from 'node:stream'
import type { ClickHouseSettings } from '@clickhouse/client'
import type { Server } from '../../clickhouse/server.ts'
import { serverError } from '../../clickhouse/server-error.ts'
import { randomId } from '../../seam/random.ts'
import type { Sides } from './compare-sides.ts'

/** What the statements of a comparison share. */
type Call = {
  readonly query_params: Record<string, unknown>
  readonly clickhouse_settings: ClickHouseSettings
  readonly abort_signal: AbortSignal
  readonly doing: string
}

/**
 * The statement for the target, in a form with two parts: the query, which would not fit into every URL, and the rows,
 * about 32 bytes each, which pass through undecoded.
 * @param query makes the query from the SELECT of the rows
 * @throws BackfillError if the transform fails
 */
export async function sentWithRows({
  reader,
  sides: { recomputed, positionType },
  call,
  query,
}: {
  readonly reader: Server
  readonly sides: Sides
  readonly call: Call
  readonly query: (recomputed: string) => string
}) {
  const { stream } = await reader.client.exec({
    ...call,
    query: `SELECT backfill_key, backfill_position, backfill_hash FROM (${recomputed}) FORMAT RowBinary`,
    // The server answers when it has all rows: an error among them would be taken for rows.
    clickhouse_settings: { ...call.clickhouse_settings, wait_end_of_query: 1 },
  })
  const boundary = randomId()
  const fields = {
    query: query('SELECT * FROM backfill_recomputed'),
    backfill_recomputed_format: 'RowBinary',
    backfill_recomputed_structure: `backfill_key FixedString(16), backfill_position ${positionType}, backfill_hash UInt64`,
  }
  const part = (name: string) => `--${boundary}\r\nContent-Disposition: form-data; name="${name}"`
  async function* form() {
    for (const [name, value] of Object.entries(fields)) yield `${part(name)}\r\n\r\n${value}\r\n`
    yield `${part('backfill_recomputed')}; filename="rows"\r\n\r\n`
    try {
      yield* stream
    } catch (error) {
      throw serverError(error, { connection: reader.connection, doing: call.doing })
    }
    yield `\r\n--${boundary}--\r\n`
  }
  return {
    ...call,
    query: '',
    values: Readable.from(form(), { objectMode: false }),
    http_headers: { 'Content-Type': `multipart/form-data; boundary=${boundary}` },
  }
}
