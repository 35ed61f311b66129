// Owns what a user may set, for every statement and for `doctor`. What it may not is not sent; a profile whose own value
// of one would take rows away, or change what SQL means, is refused by name.
import type { ClickHouseSettings } from '@clickhouse/client'
import { BackfillError } from '../model/errors.ts'
import { failsAloud, WRITING_SETTINGS } from '../sql-syntax/pinned-settings.ts'
import { quotedName } from '../sql-syntax/quoting.ts'
import type { Client } from './client.ts'
import type { Connection } from './connection.ts'
import { errorCode } from './server-error.ts'

export type SettingsLimits = {
  /** Of the profile: '0', or '1' (for reading only: nothing may be set, or written), or '2' (nothing may be written). */
  readonly readonly: string
  /** What of these settings may be sent. One that has the value already may: nothing changes then. */
  sendable(settings: ClickHouseSettings): ClickHouseSettings
  /** Those that have another value and may not be set, with the value that holds. */
  denied(settings: ClickHouseSettings): readonly Difference[]
  /** Those to which the profile gives another value, and that may be set. */
  overruled(settings: ClickHouseSettings): readonly Difference[]
}

export type Difference = { readonly name: string; readonly wanted: string; readonly holds: string }

/** What is done while a server is opened for a user that may not set everything. */
export const ASKING_LIMITS = 'asking what the user may set'

/** The user may not send what every statement carries. */
export function refusesSettings(error: unknown): boolean {
  return [READONLY, SETTING_CONSTRAINT_VIOLATION].includes(errorCode(error))
}

const READONLY = 164

/** Also the code of the errors of this file: the server answers, and its answers cannot be trusted. */
export const SETTING_CONSTRAINT_VIOLATION = 452

type Row = {
  readonly name: string
  readonly value: string
  readonly min: string | null
  readonly max: string | null
  readonly readonly: number
  readonly changed: number
}

/**
 * Asks with a client that sends no settings. system.settings is everybody's to read.
 * @throws BackfillError `server` where the profile cuts even this answer off
 */
export async function readLimits(bare: Client, connection: Connection): Promise<SettingsLimits> {
  // In one row: a profile may have a limit.
  const [answer] = await bare.rows<{ readonly settings: readonly Row[] }>({
    query: `SELECT groupArray(tuple(name, value, min, max, readonly, changed)
      ::Tuple(name String, value String, min Nullable(String), max Nullable(String), readonly UInt8, changed UInt8)) AS settings
    FROM system.settings`,
    doing: ASKING_LIMITS,
  })
  const rows = new Map((answer?.settings ?? []).map((row) => [row.name, row]))
  if (!rows.has('limit') || !rows.has('readonly')) throw cutsOff(connection, 'its settings cannot be read')
  const differing = (settings: ClickHouseSettings) =>
    Object.entries(settings).flatMap(([name, value]) => {
      const row = rows.get(name)
      // What is no setting is a parameter of the request.
      if (row === undefined || isSame(row.value, value)) return []
      const isDenied = row.readonly === 1 || below(value, row.min) || below(row.max, value)
      const difference = { name, wanted: String(value), holds: row.value }
      return [{ difference, isDenied, isOverruled: !isDenied && row.changed === 1 }]
    })
  const denied = (settings: ClickHouseSettings) =>
    differing(settings).flatMap(({ difference, isDenied }) => (isDenied ? [difference] : []))
  return {
    readonly: rows.get('readonly')!.value,
    denied,
    overruled: (settings) =>
      differing(settings).flatMap(({ difference, isOverruled }) => (isOverruled ? [difference] : [])),
    sendable(settings) {
      const names = new Set(denied(settings).map(({ name }) => name))
      return Object.fromEntries(Object.entries(settings).filter(([name]) => !names.has(name)))
    },
  }
}

/** The server says `1` of what is sent as `true`. */
function isSame(holds: string, wanted: unknown): boolean {
  return holds === String(wanted) || (holds !== '' && Number(holds) === Number(wanted))
}

/** `words`: of the server. It does not show limit and offset of a profile; it only refuses another value. */
export function cutsOff({ side, url, username }: Connection, words: string): BackfillError {
  return new BackfillError(
    `the profile of user '${username}' cuts answers off (${side} ${url}), and the user may not change that: ${words}`,
    {
      kind: 'server',
      code: SETTING_CONSTRAINT_VIOLATION,
      hint: `Have limit and offset taken out of the profile, or let the user set them (readonly = 2, no constraint): ALTER USER ${quotedName(username)} SETTINGS limit = 0, offset = 0`,
    },
  )
}

function below(one: unknown, other: unknown): boolean {
  return one !== null && other !== null && Number(one) < Number(other)
}

/**
 * `pinned`: what must hold for an answer to be whole. How long a statement may run is not among it: it fails aloud.
 * @throws BackfillError `server` naming each setting that is otherwise and may not be changed
 */
export function assertProfile(
  limits: SettingsLimits,
  pinned: ClickHouseSettings,
  { side, url, username }: Connection,
): void {
  const onlyReads = limits.readonly === '1' || side === 'source'
  const wrong = limits
    .denied(pinned)
    .filter(({ name, holds }) => !failsAloud(name, holds) && !(onlyReads && WRITING_SETTINGS.includes(name)))
  if (wrong.length === 0) return
  const list = (value: (one: Difference) => string) =>
    wrong.map((one) => `${one.name} = '${value(one)}'`).join(', ')
  throw new BackfillError(
    `the profile of user '${username}' has ${list(({ holds }) => holds)} (${side} ${url}), and the user may not change that: rows could be missing without a word`,
    {
      kind: 'server',
      code: SETTING_CONSTRAINT_VIOLATION,
      hint: `Have it set ${list(({ wanted }) => wanted)} in the profile, or let the user set it (readonly = 2, no constraint): ALTER USER ${quotedName(username)} SETTINGS ${list(({ wanted }) => wanted)}`,
    },
  )
}
