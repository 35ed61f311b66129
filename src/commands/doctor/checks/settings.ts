// Owns the judgement of a user's settings: what it may not set, and what its profile would cut off (DESIGN §9).
import { type Asked, type Diagnosis, evaluated, listed, verdicts } from './finding.ts'
import type { About } from './servers.ts'
import { failsAloud, WRITING_SETTINGS } from '../../../sql-syntax/pinned-settings.ts'
import { quotedName } from '../../../sql-syntax/quoting.ts'

/** A row of system.settings. */
export type SettingFacts = {
  readonly name: string
  readonly value: string
  /** It is not as the server has it by default. */
  readonly changed: boolean
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
  /** What every statement is sent with. */
  readonly pinned: Sent
  /** What some are sent with. */
  readonly more: Sent
  readonly asked: Asked<readonly SettingFacts[]>
}

export function evaluateSettings(question: SettingsQuestion): readonly Diagnosis[] {
  const { about, pinned } = question
  const sent = { ...question.more, ...pinned }
  return evaluated('settings', about, question.asked, (rows) => {
    const readonly = rows.find(({ name }) => name === 'readonly')?.value ?? '0'
    const others = rows.filter(({ name, value }) => name in sent && !same(value, sent[name]))
    const stuck = others.filter((row) => !maySet(row, sent[row.name]))
    const reads = about === 'source' || readonly === '1'
    const matters = ({ name, value }: SettingFacts) =>
      name in pinned && !failsAloud(name, value) && !(reads && WRITING_SETTINGS.includes(name))
    return [
      evaluateStuck(
        question,
        readonly,
        stuck.filter((row) => !matters(row)),
      ),
      evaluateProfile(question, {
        wrong: stuck.filter(matters),
        overruled: others.filter((row) => row.changed && matters(row) && !stuck.includes(row)),
      }),
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

function evaluateStuck(
  { about, username, pinned }: SettingsQuestion,
  readonly: string,
  stuck: readonly SettingFacts[],
): Diagnosis {
  const { ok, warn, fail } = verdicts('settings', about)
  const alter = `ALTER USER ${quotedName(username)} SETTINGS`
  if (readonly !== '0' && about !== 'source')
    return fail(
      `user '${username}' has readonly = ${readonly}: nothing can be written`,
      `${alter} readonly = 0`,
    )
  if (stuck.length === 0) return ok(`user '${username}' may set what statements are sent with`)
  const why = readonly === '1' ? 'readonly = 1' : 'constraints of its profile'
  const found = `user '${username}' may not set ${listed(stuck.map(({ name }) => name))} (${why})`
  const time = stuck.find(({ name, value }) => name === 'max_execution_time' && value !== '0')
  return time === undefined
    ? ok(`${found}; they are not sent, and what the profile says will do`)
    : warn(
        `${found}: statements that take longer than ${time.value} s fail, and their chunks are split`,
        `${alter} ${assignments([time], pinned)}${readonly === '1' ? ', readonly = 2' : ''}`,
      )
}

function evaluateProfile(
  { about, username, pinned }: SettingsQuestion,
  {
    wrong,
    overruled,
  }: { readonly wrong: readonly SettingFacts[]; readonly overruled: readonly SettingFacts[] },
): Diagnosis {
  const { ok, fail } = verdicts('profile', about)
  const shown = (rows: readonly SettingFacts[]) => listed(rows.map(({ name, value }) => `${name} = ${value}`))
  if (wrong.length > 0)
    return fail(
      `the profile of '${username}' has ${shown(wrong)}, and the user may not overrule it: rows could be missing without an error; nothing else is asked`,
      `ALTER USER ${quotedName(username)} SETTINGS ${assignments(wrong, pinned)}`,
    )
  return ok(
    overruled.length === 0
      ? `the profile of '${username}' takes nothing away`
      : `${shown(overruled)} of the profile of '${username}' is overruled on every statement`,
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
