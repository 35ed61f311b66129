// Owns what doctor finds out about one login on one server: who answers, its clock, the way there, what the user may set.
import type { ClickHouseSettings } from '@clickhouse/client'
import type { ServerRole } from '../../../clickhouse/grants.ts'
import type { Asked } from '../checks/finding.ts'
import type { About, Clock, ServerFacts } from '../checks/servers.ts'
import { sendable, type SettingFacts, type SettingsQuestion } from '../checks/settings.ts'
import type { Connection } from '../../../clickhouse/connection.ts'
import { ask, attempted, mapped, refusal } from './question.ts'
import { errorCode, originOf, messageOf } from '../../../clickhouse/server-error.ts'
import { openWith, type Server, STATEMENT_SETTINGS } from '../../../clickhouse/server.ts'
import type { Flow, Silence } from '../checks/connection.ts'
import { wallClock, monotonicMs } from '../../../seam/clock.ts'

/** Behind a balancer of two that chooses by chance, all of them meet the same one once in 128 times. */
const FRESH_CONNECTIONS = 8

/** What is sent beside STATEMENT_SETTINGS. */
const MORE_SENT = {
  source: { cancel_http_readonly_queries_on_client_close: 1 },
  target: {
    optimize_on_insert: 0,
    send_progress_in_http_headers: 1,
    http_headers_progress_interval_ms: '10000',
    lightweight_deletes_sync: '2',
  },
} as const

export type OpenSide = SidePort & {
  readonly connection: Connection
  /** With the settings that the user may set; undefined until it was reached. */
  readonly server: () => Server | undefined
  close(): Promise<void>
}

export function openSide(about: About, sides: readonly ServerRole[], connection: Connection): OpenSide {
  const more: Readonly<Record<string, string | number>> = Object.assign(
    {},
    ...sides.map((side) => MORE_SENT[side]),
  )
  const { url, username } = connection
  let settings: Asked<readonly SettingFacts[]> = { got: [] }
  let server: Server | undefined
  const opened: Server[] = []
  /** Over a connection of its own, with no settings but these: a user that may set none gets an answer, too. */
  const open = async (own: ClickHouseSettings = {}): Promise<Server> => {
    const fresh = await openWith(connection, own)
    opened.push(fresh)
    return fresh
  }

  /**
   * With the settings that the user may set. The server resets `limit` and `offset` before it shows them (measured on
   * 26.7), so that only its refusal tells what a profile has fixed them to.
   */
  async function openAsFarAsMay(): Promise<Server> {
    for (;;) {
      const rows = 'got' in settings ? settings.got : []
      try {
        return await open(rows.length === 0 ? {} : sendable(STATEMENT_SETTINGS, rows))
      } catch (error) {
        const name = refusedSetting(error)
        if (!rows.some((row) => row.name === name && row.value !== HIDDEN)) throw error
        const hidden = (row: SettingFacts) => ({ ...row, value: HIDDEN, fixed: true })
        settings = { got: rows.map((row) => (row.name === name ? hidden(row) : row)) }
      }
    }
  }

  return {
    about,
    sides,
    connection,
    server: () => server,

    reach: () =>
      attempted(connection, async () => {
        const plain = await open()
        settings = await readSettings(plain, [...Object.keys({ ...STATEMENT_SETTINGS, ...more }), 'readonly'])
        server = await openAsFarAsMay()
        const others = await Promise.all(Array.from({ length: FRESH_CONNECTIONS - 2 }, () => open()))
        return {
          about,
          url,
          username,
          version: plain.info.version,
          identities: [plain, server, ...others].map(({ info }) => info.identity),
          clock: await readClock(server),
        }
      }),

    settings: () => Promise.resolve({ about, username, pinned: STATEMENT_SETTINGS, more, asked: settings }),

    async silence(seconds) {
      const started = monotonicMs()
      try {
        const fresh = await open()
        await fresh.client.rows({
          query: 'SELECT sum(sleepEachRow(1)) FROM numbers({seconds:UInt64})',
          query_params: { seconds },
          // A block may sleep for 3 s.
          ...(seconds > 3 && { clickhouse_settings: { max_block_size: '1', max_threads: 1 } }),
        })
        return { got: { seconds, cut: undefined } }
      } catch (error) {
        if (errorCode(error) !== 0) return { refused: refusal(originOf(error), connection) }
        const afterMs = monotonicMs() - started
        return { got: { seconds, cut: { afterMs, words: messageOf(error) } } }
      }
    },

    flow: () =>
      attempted(connection, async () => {
        const fresh = await open()
        const started = monotonicMs()
        const { stream } = await fresh.client.exec({
          // Four blocks of 65,536 bytes, a quarter of a second each.
          query: 'SELECT sleepEachRow(0.000004) FROM numbers(262144) FORMAT RowBinary',
        })
        let firstMs: number | undefined
        for await (const _ of stream) firstMs ??= monotonicMs() - started
        const lastMs = monotonicMs() - started
        return { firstMs: firstMs ?? lastMs, lastMs }
      }),

    close: async () => void (await Promise.all(opened.map((one) => one.close()))),
  }
}

const HIDDEN = '(not shown)'

/** The setting that the server does not let the user change. */
function refusedSetting(error: unknown): string | undefined {
  const words = messageOf(error)
  const [, one, other] = /Setting (\w+) should|Cannot modify '(\w+)' setting/.exec(words) ?? []
  return one ?? other
}

/** In one row: a profile may have a limit. */
async function readSettings(
  server: Server,
  names: readonly string[],
): Promise<Asked<readonly SettingFacts[]>> {
  type Row = [
    name: string,
    value: string,
    changed: number,
    readonly: number,
    min: string | null,
    max: string | null,
  ]
  const rows = await ask<{ settings: Row[] }>(
    server,
    `SELECT groupArray((name, value, changed, readonly, min, max)) AS settings FROM system.settings
    WHERE has({names:Array(String)}, name)`,
    { names },
  )
  if ('got' in rows && rows.got.length === 0)
    return { refused: { sentence: 'the server answers without rows: has the profile an offset?' } }
  return mapped(rows, ([row]) =>
    row!.settings.map(([name, value, changed, readonly, min, max]) => ({
      name,
      value,
      changed: changed !== 0,
      fixed: readonly !== 0,
      min: min ?? undefined,
      max: max ?? undefined,
    })),
  )
}

/** The quickest of a few questions, since the difference is known within its time only. */
async function readClock(server: Server): Promise<Clock> {
  let best: Clock | undefined
  for (let round = 0; round < 3; round++) {
    const [sentAt, started] = [wallClock().getTime(), monotonicMs()]
    const [row] = await server.client.rows<{ ms: number }>({
      query: 'SELECT toFloat64(toUnixTimestamp64Milli(now64(3))) AS ms',
    })
    const roundTripMs = monotonicMs() - started
    if (best === undefined || roundTripMs < best.roundTripMs)
      best = { aheadMs: Number(row?.ms) - (sentAt + roundTripMs / 2), roundTripMs }
  }
  return best!
}

/** One login on one server. It is asked only after `reach` got an answer. */
export type SidePort = {
  readonly about: About
  /** Both where source and target are one login. */
  readonly sides: readonly ServerRole[]
  reach(): Promise<Asked<ServerFacts>>
  /** Asks for something that takes so long and says nothing meanwhile. */
  silence(seconds: number): Promise<Asked<Silence>>
  flow(): Promise<Asked<Flow>>
  settings(): Promise<SettingsQuestion>
}
