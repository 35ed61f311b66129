// Owns a ledger whose events a test writes itself, for what `log` makes of them.
import type { Catalogue } from '../../src/model/model.ts'
import { backfillHere, environmentFor } from './cli.ts'
import { post, type TestServer, uniqueDatabase } from './server.ts'
import { openTestWorkspace } from './workspace.ts'

export type Written = {
  readonly run: string
  readonly event: string
  readonly range: readonly [number, number]
  readonly table?: string
  readonly uuid?: string
  readonly query?: string
  readonly attempt?: number
  readonly rows?: number
  readonly error?: string
  readonly code?: number
  readonly hash?: string
}

/** A ledger, empty, and a way to write events into it as runs would, one a second. */
export async function logScene(server: TestServer, catalogue: Catalogue) {
  const own = {
    source: uniqueDatabase('source'),
    target: uniqueDatabase('target'),
    ledger: uniqueDatabase('ledger'),
  }
  const opened = await openTestWorkspace({ server, catalogue, ...own })
  const { workspace } = opened
  const slots = catalogue.tables.find(({ key }) => key === 'block_slots_stat')!
  await workspace.ports.target.prepare(catalogue.ledger)
  await workspace.ports.target.create(slots)
  const present = (await workspace.ports.target.tables([slots.target])).get(slots.target)!.uuid
  await opened.close()
  let seq = 0
  const write = async (events: readonly Written[]) => {
    const rows = events.map((one) => ({
      network: 'mainnet',
      table_key: one.table ?? slots.key,
      epoch: 1,
      seq: ++seq,
      event: one.event,
      range_from: one.range[0],
      range_to: one.range[1],
      target_uuid: one.uuid ?? present,
      attempt: one.attempt ?? (one.query === undefined ? 0 : 1),
      run_id: one.run,
      query_id: one.query ?? '',
      user: 'somebody',
      rows_written: one.rows ?? 0,
      elapsed_ms: one.event === 'done' ? 700 : 0,
      error_code: one.code ?? (one.error === undefined ? 0 : 241),
      sql_hash: one.hash ?? '',
      error: one.error ?? '',
      host: 'db1',
      tool_version: '0.2.0',
      event_time: new Date(Date.UTC(2026, 0, 1, 0, 0, seq)).toISOString().slice(0, 19),
    }))
    await post(
      server,
      `INSERT INTO \`${own.ledger}\`.ledger FORMAT JSONEachRow\n${rows.map((row) => JSON.stringify(row)).join('\n')}`,
    )
  }
  const run = (words: string) => backfillHere(words.split(' '), { env: environmentFor(server, own) })
  const json = async <T>(words: string): Promise<T> => JSON.parse((await run(`${words} --json`)).stdout) as T
  return { ...own, write, run, json }
}

export const tried = (
  run: string,
  query: string,
  [from, to]: readonly [number, number],
  end?: Partial<Written>,
) => [
  { run, query, event: 'started', range: [from, to] as const, ...(end?.attempt && { attempt: end.attempt }) },
  ...(end === undefined ? [] : [{ run, query, event: 'done', range: [from, to] as const, ...end }]),
]
