// Owns the settings of a user: which may be set, what a profile changes, and the refusal by name of what would do harm.
import type { ClickHouseSettings } from '@clickhouse/client'
import { type BackfillError, serverProblem, usageError } from '../model/errors.ts'
import { failsAloud, WRITING_SETTINGS, isHarmless, isOfReplicas } from '../sql-syntax/settings.ts'
import { quotedName } from '../sql-syntax/quoting.ts'
import type { Client } from './client.ts'
import type { Connection } from './connection.ts'
import { errorCode, messageOf } from './server-error.ts'
import { blamesText } from './error-codes.ts'

export type SettingsLimits = Awaited<ReturnType<typeof readLimits>>

export type Difference = { readonly name: string; readonly wanted: string; readonly holds: string }

/** The purpose, for errors, while a server is opened for a user that may not set everything. */
export const ASKING_LIMITS = 'asking what the user may set'

/** The user may not send what every statement carries. */
export function refusesSettings(error: unknown): boolean {
  return [READONLY, SETTING_CONSTRAINT_VIOLATION].includes(errorCode(error))
}

const READONLY = 164

/** Also the code of this file's errors: the server answers, but its answers cannot be trusted. */
export const SETTING_CONSTRAINT_VIOLATION = 452

type Row = {
  readonly name: string
  readonly value: string
  readonly min: string | null
  readonly max: string | null
  readonly readonly: number
  readonly changed: number
}

/** Asks with a client that sends no settings. @throws BackfillError `server` if the profile truncates even this answer */
export async function readLimits(bare: Client, connection: Connection) {
  // In one row, because a profile may limit the number of rows.
  const [answer] = await bare.rows<{ readonly settings: readonly Row[] }>({
    query: `SELECT groupArray(tuple(name, value, min, max, readonly, changed)
      ::Tuple(name String, value String, min Nullable(String), max Nullable(String), readonly UInt8, changed UInt8)) AS settings
    FROM system.settings`,
    doing: ASKING_LIMITS,
  })
  const rows = new Map((answer?.settings ?? []).map((row) => [row.name, row]))
  if (!rows.has('limit') || !rows.has('readonly')) throw cutsOff(connection, 'its settings cannot be read')
  const differing = (settings: ClickHouseSettings, which: (isDenied: boolean, row: Row) => boolean) =>
    Object.entries(settings).flatMap(([name, value]): Difference[] => {
      const row = rows.get(name)
      // A name that is not a setting is a parameter of the request.
      if (row === undefined || isSame(row.value, value)) return []
      const isDenied = row.readonly === 1 || below(value, row.min) || below(row.max, value)
      return which(isDenied, row) ? [{ name, wanted: String(value), holds: row.value }] : []
    })
  const denied = (settings: ClickHouseSettings) => differing(settings, (isDenied) => isDenied)
  return {
    /** Of the profile: '0'; '1' (no settings, no writes); '2' (no writes). */
    readonly: rows.get('readonly')!.value,
    /** The settings that have another value and may not be set, with the value that applies. */
    denied,
    /** The settings to which the profile gives another value, and that may be set. */
    overruled: (settings: ClickHouseSettings) =>
      differing(settings, (isDenied, { changed }) => !isDenied && changed === 1),
    /** The settings that may be sent. A setting that has the wanted value already may always be sent. */
    sendable(settings: ClickHouseSettings): ClickHouseSettings {
      const names = new Set(denied(settings).map(({ name }) => name))
      return Object.fromEntries(Object.entries(settings).filter(([name]) => !names.has(name)))
    },
  }
}

/** The server prints `1` in system.settings, and `true` by getSetting(), for what is sent as 1 or true. */
export function isSame(printed: string, wanted: unknown): boolean {
  const holds = printed === 'true' ? '1' : printed === 'false' ? '0' : printed
  return holds === String(wanted) || (holds !== '' && Number(holds) === Number(wanted))
}

/** `words`: the server's message. The server does not show limit and offset of a profile; it only refuses another value. */
export function cutsOff({ side, url, username }: Connection, words: string): BackfillError {
  return serverProblem(
    `the profile of user '${username}' truncates results (${side} ${url}), and the user may not change that: ${words}`,
    `Have limit and offset taken out of the profile, or let the user set them (readonly = 2, no constraint): ALTER USER ${quotedName(username)} SETTINGS limit = 0, offset = 0`,
    { code: SETTING_CONSTRAINT_VIOLATION },
  )
}

function below(one: unknown, other: unknown): boolean {
  return one !== null && other !== null && Number(one) < Number(other)
}

/** `pinned`: what an answer needs to be complete; a time limit fails explicitly. @throws BackfillError `server` naming what differs and may not be changed */
export function assertProfile(
  limits: SettingsLimits,
  pinned: ClickHouseSettings,
  connection: Connection,
): void {
  const onlyReads = limits.readonly === '1' || connection.side === 'source'
  const wrong = limits
    .denied(pinned)
    .filter(
      ({ name, holds }) =>
        !failsAloud(name, holds) && !isOfReplicas(name) && !(onlyReads && WRITING_SETTINGS.includes(name)),
    )
  const harm = wrong.every(({ name }) => name === 'optimize_on_insert')
    ? 'INSERTs are sent with the other value'
    : 'rows could be missing silently'
  if (wrong.length > 0) throw stuckSettings(wrong, connection, harm)
}

/** Of settings that the profile changes, and that the user may not change back. */
function stuckSettings(
  stuck: readonly Difference[],
  { side, url, username }: Connection,
  harm: string,
  orElse = '',
): BackfillError {
  const list = (of: 'holds' | 'wanted') => stuck.map((one) => `${one.name} = '${one[of]}'`).join(', ')
  return serverProblem(
    `the profile of user '${username}' has ${list('holds')} (${side} ${url}), and the user may not change that: ${harm}`,
    `Let the user set it (readonly = 2, no constraint), or have it set: ALTER USER ${quotedName(username)} SETTINGS ${list('wanted')}${orElse}`,
    { code: SETTING_CONSTRAINT_VIOLATION },
  )
}

/** A setting that has another value than the server's default; `isStuck`: '1' if the user may not set it. */
export type ChangedSetting = readonly [name: string, value: string, fallback: string, isStuck: string]

/** The settings that differ from the defaults, but those that somebody has invented (SQL_tenant = 7: they have none), as an aggregate over system.settings, which every user may read. */
// Not a scalar subquery: inside of one the server itself changes settings. Not named tuples: profiles change how they are printed.
export const CHANGED_SETTINGS = `groupArrayIf([name, value, default, toString(readonly)],
  changed AND value != default AND alias_for = '' AND NOT is_obsolete AND type != 'Custom')`

/** The defaults to send. @param defaults what was sent already: what still differs cannot be set @throws BackfillError `server` naming that */
export function defaultsFor(
  changed: readonly ChangedSetting[],
  { sent, defaults }: { readonly sent: ClickHouseSettings; readonly defaults: ClickHouseSettings },
  connection: Connection,
): ClickHouseSettings {
  const accepted = connection.acceptedSettings ?? []
  const others = changed.filter(
    ([name]) => !Object.hasOwn(sent, name) && !isHarmless(name) && !accepted.includes(name),
  )
  // It changes hundreds of others, which come back with it.
  const compatibility = others.filter(([name]) => name === 'compatibility')
  const foreign = compatibility.length > 0 ? compatibility : others
  const stuck = foreign.filter(([name, , , isStuck]) => isStuck === '1' || Object.hasOwn(defaults, name))
  if (stuck.length > 0) throw refused(stuck, connection)
  return Object.fromEntries(foreign.map(([name, , fallback]) => [name, fallback]))
}

/** The same for settings whose default a constraint forbids, as the server says when it is sent; undefined for other errors. */
export function refusedDefaults(
  changed: readonly ChangedSetting[],
  error: unknown,
  connection: Connection,
): BackfillError | undefined {
  const words = messageOf(error).split(/\W+/)
  const stuck = changed.filter(([name]) => words.includes(name))
  return refusesSettings(error) && stuck.length > 0 ? refused(stuck, connection) : undefined
}

function refused(stuck: readonly ChangedSetting[], connection: Connection): BackfillError {
  const differences = stuck.map(([name, holds, wanted]) => ({ name, holds, wanted }))
  const names = stuck.map(([name]) => name).join(',')
  const orElse = `; if rows cannot change by it, add --accept-setting ${names}`
  return stuckSettings(differences, connection, 'a transform could yield other rows', orElse)
}

/** @param origin where they were typed @throws BackfillError `usage` for the first that the server, or the user's profile, refuses */
export async function assertTaken(
  {
    client,
    connection,
    limits,
  }: {
    readonly client: Client
    readonly connection: Connection
    readonly limits: SettingsLimits | undefined
  },
  settings: Readonly<Record<string, string>>,
  origin: string,
): Promise<void> {
  const refusal = (name: string, why: string, hint: string) =>
    usageError(
      `the setting ${name}=${settings[name]} (${origin}) is refused by ClickHouse (${connection.side} ${connection.url}): ${why}`,
      hint,
    )
  const [denied] = limits?.denied(settings) ?? []
  if (denied !== undefined)
    throw refusal(
      denied.name,
      `user '${connection.username}' may not set it (it has '${denied.holds}')`,
      'Take it out, or let the user set it (readonly = 2)',
    )
  for (const [name, value] of Object.entries(settings))
    await client
      .rows({
        query: 'SELECT 1 AS one',
        clickhouse_settings: { [name]: value },
        doing: `trying the setting ${name}`,
      })
      .catch((error: unknown) => {
        if (!blamesText(error as BackfillError)) throw error
        throw refusal(name, messageOf(error), 'Write a value that the setting has, or take it out')
      })
}
