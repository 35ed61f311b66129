// Owns what a profile changes beyond the pinned settings: sent back to the default unless harmless, or refused by name.
import type { ClickHouseSettings } from '@clickhouse/client'
import type { BackfillError } from '../model/errors.ts'
import { isHarmless } from '../sql-syntax/harmless-settings.ts'
import type { Connection } from './connection.ts'
import { messageOf } from './server-error.ts'
import { refusesSettings, stuckSettings } from './settings-limits.ts'

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
