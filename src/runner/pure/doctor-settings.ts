// Owns the judgement of a user's settings: what it may not set, and what its profile would cut off (DESIGN §9).
import { type Asked, type Diagnosis, judged, listed, verdicts } from './doctor-finding.ts'
import type { About } from './doctor-servers.ts'
import { PINNED_SETTINGS } from './pinned-settings.ts'
import { shortIdentifier } from './quoting.ts'

/** A row of system.settings. */
export type SettingFacts = {
  readonly name: string
  readonly value: string
  /** The user may not change it. */
  readonly fixed: boolean
  /** Limits of what the user may set it to. */
  readonly min: string | undefined
  readonly max: string | undefined
}

/** Setting -> value, as the client takes it. */
type Sent = Readonly<Record<string, unknown>>

export type SettingsQuestion = {
  readonly about: About
  readonly username: string
  /** What is sent along with statements. */
  readonly sent: Sent
  readonly asked: Asked<readonly SettingFacts[]>
}

export function judgeSettings(question: SettingsQuestion): readonly Diagnosis[] {
  const { about, username, sent } = question
  return judged('settings', about, question.asked, (rows) => {
    const readonly = rows.find(({ name }) => name === 'readonly')?.value ?? '0'
    const others = rows.filter(({ name, value }) => name in sent && !same(value, sent[name]))
    const stuck = others.filter((row) => !maySet(row, sent[row.name]))
    const overruled = others.filter((row) => !stuck.includes(row) && cuts(row.name))
    return [
      readonly !== '0' && about !== 'source'
        ? verdicts('settings', about).fail(
            `user '${username}' has readonly = ${readonly}: nothing can be written`,
            `ALTER USER ${shortIdentifier(username)} SETTINGS readonly = 0`,
          )
        : judgeStuck(question, readonly, stuck),
      judgeProfile(
        question,
        stuck.filter(({ name }) => cuts(name)),
        overruled,
      ),
    ]
  })
}

/** What of `sent` the user may send: asking has to go on where a run could not. */
export function sendable<Settings extends Sent>(
  sent: Settings,
  rows: readonly SettingFacts[],
): Partial<Settings> {
  const known = new Map(rows.map((row) => [row.name, row]))
  const may = Object.entries(sent).filter(([name, value]) => {
    const row = known.get(name)
    return row !== undefined && (same(row.value, value) || maySet(row, value))
  })
  return Object.fromEntries(may) as Partial<Settings>
}

function judgeStuck(
  { about, username, sent }: SettingsQuestion,
  readonly: string,
  stuck: readonly SettingFacts[],
): Diagnosis {
  const { ok, fail } = verdicts('settings', about)
  if (stuck.length === 0) return ok(`user '${username}' may set what statements are sent with`)
  const names = listed(stuck.map(({ name }) => name))
  const why = readonly === '1' ? ' (readonly = 1)' : ' (constraints of its profile)'
  const found = `user '${username}' may not set ${names}${why}: statements that are sent with them are refused`
  return fail(
    found,
    readonly === '1'
      ? `ALTER USER ${shortIdentifier(username)} SETTINGS readonly = 2`
      : `ALTER USER ${shortIdentifier(username)} SETTINGS ${assignments(stuck, sent)}`,
  )
}

function judgeProfile(
  { about, username, sent }: SettingsQuestion,
  stuck: readonly SettingFacts[],
  overruled: readonly SettingFacts[],
): Diagnosis {
  const { ok, fail } = verdicts('profile', about)
  const shown = (rows: readonly SettingFacts[]) => listed(rows.map(({ name, value }) => `${name} = ${value}`))
  if (stuck.length > 0)
    return fail(
      `the profile of '${username}' has ${shown(stuck)}, and the user may not overrule it: rows would be missing without an error; nothing else is asked`,
      `ALTER USER ${shortIdentifier(username)} SETTINGS ${assignments(stuck, sent)}`,
    )
  return ok(
    overruled.length === 0
      ? `the profile of '${username}' cuts nothing off`
      : `${shown(overruled)} of the profile would cut rows off, and is overruled on every statement`,
  )
}

/** Another value of these lets an answer end early with success. */
function cuts(name: string): boolean {
  return (
    (name.includes('overflow_mode') || ['limit', 'offset', 'skip_unavailable_shards'].includes(name)) &&
    name in PINNED_SETTINGS
  )
}

function maySet({ fixed, min, max }: SettingFacts, value: unknown): boolean {
  if (fixed) return false
  return (
    (min === undefined || Number(value) >= Number(min)) && (max === undefined || Number(value) <= Number(max))
  )
}

/** The server says `1` of what we send as `true`. */
function same(is: string, wanted: unknown): boolean {
  return is === String(wanted) || (is !== '' && Number(is) === Number(wanted))
}

function assignments(rows: readonly SettingFacts[], sent: Sent): string {
  return rows
    .map(({ name }) => {
      const value = String(sent[name])
      return `${name} = ${/^\d+$/.test(value) ? value : `'${value}'`}`
    })
    .join(', ')
}
