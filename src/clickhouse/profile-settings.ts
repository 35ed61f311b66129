// Owns what a profile changes beyond the pinned settings: each setting that is not known to be harmless is sent back to the
// server's default, or refused by name.
import type { ClickHouseSettings } from '@clickhouse/client'
import { BackfillError } from '../model/errors.ts'
import { isHarmless } from '../sql-syntax/harmless-settings.ts'
import { quotedName } from '../sql-syntax/quoting.ts'
import type { Connection } from './connection.ts'
import { SETTING_CONSTRAINT_VIOLATION } from './settings-limits.ts'

/** A setting that has another value than the server's default. */
export type ChangedSetting = {
  readonly name: string
  readonly value: string
  readonly default: string
  /** 1: the user may not set it. */
  readonly readonly: number
}

/** The settings that differ from the defaults, as an aggregate over system.settings, which every user may read. */
// Not a scalar subquery: inside of one the server itself changes settings.
export const CHANGED_SETTINGS = `groupArrayIf(tuple(name, value, default, readonly)
  ::Tuple(name String, value String, \`default\` String, readonly UInt8),
  changed AND value != default AND alias_for = '' AND NOT is_obsolete)`

/**
 * The defaults to send in place of the profile's values.
 * @param sent the settings of every statement
 * @param defaults what was sent already: a setting that still differs cannot be set
 * @throws BackfillError `server` naming each setting that the user may not set and that `--accept-setting` does not name
 */
export function defaultsFor(
  changed: readonly ChangedSetting[],
  { sent, defaults }: { readonly sent: ClickHouseSettings; readonly defaults: ClickHouseSettings },
  connection: Connection,
): ClickHouseSettings {
  const accepted = connection.acceptedSettings ?? []
  const others = changed.filter(
    ({ name }) => !Object.hasOwn(sent, name) && !isHarmless(name) && !accepted.includes(name),
  )
  // It changes hundreds of others, which come back with it.
  const compatibility = others.filter(({ name }) => name === 'compatibility')
  const foreign = compatibility.length > 0 ? compatibility : others
  const stuck = foreign.filter(({ name, readonly }) => readonly === 1 || Object.hasOwn(defaults, name))
  if (stuck.length > 0) throw refused(stuck, connection)
  return Object.fromEntries(foreign.map((setting) => [setting.name, setting.default]))
}

function refused(stuck: readonly ChangedSetting[], { side, url, username }: Connection): BackfillError {
  const list = (value: (one: ChangedSetting) => string) =>
    stuck.map((one) => `${one.name} = '${value(one)}'`).join(', ')
  return new BackfillError(
    `the profile of user '${username}' has ${list(({ value }) => value)} (${side} ${url}), and the user may not change that: a transform could yield other rows`,
    {
      kind: 'server',
      code: SETTING_CONSTRAINT_VIOLATION,
      hint: `Let the user set it (readonly = 2, no constraint), or have the default set: ALTER USER ${quotedName(username)} SETTINGS ${list((one) => one.default)}; if rows cannot change by it, add --accept-setting ${stuck.map(({ name }) => name).join(',')}`,
    },
  )
}
