// Owns the evaluation of a user's settings: settings it may not change, and profile settings that statements override.
import { STATEMENT_SETTINGS } from '../../clickhouse/server.ts'
import type { SettingsLimits } from '../../clickhouse/settings-limits.ts'
import { quotedName } from '../../sql-syntax/quoting.ts'
import type { Role } from './connection.ts'
import { type Asked, type Finding, findings } from './finding.ts'

/** Whether the user may change the settings that statements send and, on the target, write. */
export function evaluateSettings(role: Role, username: string, asked: Asked<SettingsLimits>): Finding {
  const { ok, warn, fail, unknown } = findings('settings', role)
  if ('refused' in asked) return unknown(asked.refused)
  const limits = asked.got
  const { readonly } = limits
  const alter = `ALTER USER ${quotedName(username)} SETTINGS`
  if (readonly !== '0' && role !== 'source')
    return fail(
      `user '${username}' has readonly = ${readonly}: nothing can be written`,
      `${alter} readonly = 0`,
    )
  const stuck = limits.denied(STATEMENT_SETTINGS)
  if (stuck.length === 0) return ok(`user '${username}' may set what statements are sent with`)
  const why = readonly === '1' ? 'readonly = 1' : 'constraints of its profile'
  const found = `user '${username}' may not set ${stuck.map(({ name }) => name).join(', ')} (${why})`
  const time = stuck.find(({ name, holds }) => name === 'max_execution_time' && holds !== '0')
  return time === undefined
    ? ok(`${found}; they are not sent`)
    : warn(
        `${found}: statements that take longer than ${time.holds} s fail, and their chunks are split`,
        `${alter} ${time.name} = ${time.wanted}${readonly === '1' ? ', readonly = 2' : ''}`,
      )
}

/** `opened`: the server as a run opens it, which refuses a profile that would truncate results. */
export function evaluateProfile(
  role: Role,
  username: string,
  { opened, limits }: { readonly opened: Asked<unknown>; readonly limits: Asked<SettingsLimits> },
): Finding {
  const { ok, fail } = findings('profile', role)
  if ('refused' in opened)
    return fail(
      `${opened.refused.reason}; the other checks did not run`,
      opened.refused.hint ?? 'backfill info',
    )
  const overruled = 'got' in limits ? limits.got.overruled(STATEMENT_SETTINGS) : []
  return ok(
    overruled.length === 0
      ? `the profile of '${username}' does not truncate results`
      : `every statement overrules ${overruled.map(({ name, holds }) => `${name} = ${holds}`).join(', ')} of the profile of '${username}'`,
  )
}
