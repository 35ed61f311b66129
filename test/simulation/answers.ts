// Owns what the simulated server answers, errors in the client's own words, and what of a statement a reader wants to see.
import { ClickHouseError } from '@clickhouse/client'
import type { Sent, Statement } from './sent.ts'

/** `written`: rows of an INSERT. */
export type Answer = { readonly rows: readonly unknown[]; readonly written?: number }

/** Takes an answer, or the error in its place. */
export type Settle = (answer: Answer | Error) => void

/** Statements that a reader of a history wants to see. */
export const NOTED = new Set([
  'insert',
  'delete',
  'append to the ledger',
  'take over events',
  'take a lock',
  'kill statements',
  'kill deletions',
  'rename a table',
  'exchange tables',
  'drop a table',
])

export function notes({ name }: Statement, sent: Sent): string {
  if (name === 'append to the ledger') {
    const rows = [...sent.text.matchAll(/^\{.*\}$/gm)].map(
      ([line]) => JSON.parse(line) as Record<string, unknown>,
    )
    const events = rows.map((row) => `${String(row['event'])} ${String(row['table_key'])}`)
    return rows.length === 0 ? 'checkpoint' : events.join(', ')
  }
  const { one, other } = sent.params as { readonly one?: string; readonly other?: string }
  if (one !== undefined) return `${one} ${other}`
  if (name === 'take a lock') return String(sent.params['name']).replace(/0{10,}/, '')
  if (name === 'insert')
    return `${String(sent.params['backfill_table'])} ${String(sent.params['from_block'])}-${String(sent.params['to_block'])}`
  return name === 'delete' ? (/FROM `tgt`\.`(\w+)`/.exec(sent.text)?.[1] ?? '') : ''
}

export function refused(code: number, message: string): Error {
  return new ClickHouseError({ code: String(code), message })
}

export function reset(): Error {
  return Object.assign(new Error('socket hang up'), { code: 'ECONNRESET' })
}

export function refusedConnection(): Error {
  return Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' })
}

/** Values that travel beside the settings. */
export const valuesBeside = ({ clickhouse_settings: given = {} }: { clickhouse_settings?: object }) =>
  Object.fromEntries(
    Object.entries(given).flatMap(([name, value]) =>
      name.startsWith('param_') ? [[name.slice(6), value]] : [],
    ),
  )
