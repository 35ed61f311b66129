// Owns the layers of the configuration: flags, environment, `.env`, defaults. Every value has its origin.
import { BackfillError, usageError, nearest } from '../model/errors.ts'
import type { EnvFile } from './env-file.ts'
import { readText, whyUnreadable } from './text-file.ts'
import type { Word, Flags } from './values.ts'

/** A value and its origin: `flag --network`, `environment BACKFILL_LAG`, `.env BACKFILL_LAG`, `default`. */
export type Setting<T> = { readonly value: T; readonly origin: string }

export type Environment = Readonly<Record<string, string | undefined>>

export type Layers = {
  readonly flags: Flags
  readonly environment: Environment
  readonly dotenv: Environment
  readonly envFile: EnvFile | undefined
}

/** A variable that is set. An empty one counts as unset, because a crontab turns unset variables into empty ones. */
export type Variable = Word & { readonly origin: string; readonly layer: 'environment' | '.env' }

export function variable({ environment, dotenv }: Layers, name: string): Variable | undefined {
  const places = [
    { layer: 'environment', text: environment[name] ?? '', place: name },
    { layer: '.env', text: dotenv[name] ?? '', place: `${name} in .env` },
  ] as const
  const found = places.find(({ text }) => text !== '')
  return found && asWritten({ ...found, origin: `${found.layer} ${name}` })
}

/** What nobody means: docker's --env-file and Kubernetes keep the quotes and blanks that a shell removes. */
const NOT_MEANT: readonly (readonly [pattern: RegExp, words: string])[] = [
  [/\p{Cc}/u, 'a control character, such as the carriage return of a Windows file'],
  [/^\s|\s$/, 'a blank at its beginning or end'],
  [/^(["']).*\1$/, 'quotes around it, which would count as part of it'],
]

function asWritten(found: Variable): Variable {
  const { text, place } = found
  const isPassword = /_PASSWORD\b/.test(place)
  const wrong = NOT_MEANT.slice(0, isPassword ? 1 : undefined).find(([pattern]) => pattern.test(text))
  if (wrong === undefined) return found
  // A URL may hold a password, too.
  const shown = isPassword || /_URL\b/.test(place) ? '' : `: ${JSON.stringify(text)}`
  throw usageError(`${place} has ${wrong[1]}${shown}`, 'set it without')
}

export function settingOf({ text, origin }: Variable): Setting<string> {
  return { value: text, origin }
}

/** `name`: of the flag, `table-jobs`; its variable is BACKFILL_TABLE_JOBS. @throws BackfillError `usage` */
export function setting<T>(layers: Layers, name: string, read: (word: Word) => T, fallback: T): Setting<T> {
  const typed = layers.flags.get(name)
  if (typed !== undefined) return { value: read(typed), origin: `flag ${typed.place}` }
  const found = variable(layers, `BACKFILL_${name.toUpperCase().replaceAll('-', '_')}`)
  return found ? { value: read(found), origin: found.origin } : { value: fallback, origin: 'default' }
}

export function readDotenv(file: string | undefined): Environment {
  if (file === undefined) return {}
  try {
    return parseDotenv('.env', readText(file))
  } catch (cause) {
    if (cause instanceof BackfillError) throw cause
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return {}
    throw usageError(
      `cannot read ${file}: ${whyUnreadable(cause)}`,
      'make it a readable file, or move it away',
    )
  }
}

/** `NAME=`, then a quoted value, which may span lines, or the rest of the line. */
const SETTING =
  /^[ \t]*(?:export[ \t]+)?([A-Za-z_][\w.-]*)[ \t]*=(?:[ \t]*(["'`])((?:(?!\2)[^])*)\2(?:[ \t]+#.*)?[ \t]*|((?![ \t]*["'`]).*))$/my

const NOTHING = /^[ \t]*(?:#.*)?(?:\n|$)/my

/**
 * `#` begins a comment at the beginning of a line and behind a blank; in double quotes `\n` is a newline.
 * @throws BackfillError `usage` naming file and line, never the line's text, which may be a password
 */
export function parseDotenv(file: string, source: string): Readonly<Record<string, string>> {
  const text = source.replaceAll('\r\n', '\n')
  const line = (at: number) => `${file}:${text.slice(0, at).split('\n').length}`
  const odd = text.search(/[\r\u2028\u2029]/)
  if (odd !== -1)
    throw usageError(
      `${line(odd)}: a carriage return, or a line separator of Unicode, ends no line`,
      'end lines with a newline; remove the other character',
    )
  const found: Record<string, string> = {}
  for (let at = 0; at < text.length;) {
    NOTHING.lastIndex = SETTING.lastIndex = at
    const written = NOTHING.test(text) ? undefined : SETTING.exec(text)
    if (written === null)
      throw usageError(
        `${line(at)}: the line sets nothing`,
        'write NAME=value, or NAME="value" for a value with quotes or # in it; # begins a comment',
      )
    if (written === undefined) {
      at = NOTHING.lastIndex
      continue
    }
    const [, name = '', quote, quoted, bare = ''] = written
    if (Object.hasOwn(found, name) && OURS.test(name))
      throw usageError(`${line(at)}: ${name} is set a second time`, 'keep one of the lines')
    const unquoted = quote === '"' ? quoted?.replaceAll('\\n', '\n') : quoted
    found[name] = unquoted ?? bare.replace(/\s#.*$/, '').trim()
    at = SETTING.lastIndex + 1
  }
  return found
}

const SETTINGS =
  'NETWORK LAG JOBS TABLE_JOBS CHUNK CHUNK_ROWS ORDER CLUSTER COMPRESSION LEDGER_DATABASE SQL STATE IMPORT_URL IMPORT_FOLDER DEBUG IMAGE ENV_FILE ACCEPT_SETTING SETTINGS'
const SIDES = ['SOURCE', 'TARGET', 'XATU']
/** The variables of a login without a URL make no sense, but its DATABASE does. */
export const LOGIN_PARTS = 'USERNAME PASSWORD PASSWORD_FILE PROTOCOL CA_FILE CERT_FILE KEY_FILE'.split(' ')
const OURS = /^(BACKFILL|(SOURCE|TARGET|XATU)_CLICKHOUSE)_/
const KNOWN = [
  ...SETTINGS.split(' ').map((name) => `BACKFILL_${name}`),
  ...SIDES.flatMap((side) => ['URL', 'DATABASE', ...LOGIN_PARTS].map((part) => `${side}_CLICKHOUSE_${part}`)),
]
/** Kubernetes sets these for every service of a namespace; the others are of this project's tests. */
const FOREIGN = /_(SERVICE_(HOST|PORT\w*)|PORT(_\w+)?)$|^BACKFILL_(TEST|REQUIRE)_/

/** A sentence for each variable that is set and that nobody reads, though its name looks like one of ours. */
export function unknownVariables(dotenv: Environment, environment: Environment): readonly string[] {
  const set = new Set(
    [dotenv, environment].flatMap((layer) => Object.keys(layer).filter((name) => layer[name])),
  )
  const late = dotenv['BACKFILL_ENV_FILE']
    ? ['BACKFILL_ENV_FILE in .env sets nothing: set it in the environment, or use --env-file']
    : []
  const unknown = [...set].flatMap((name) => {
    // Names of variables are case-sensitive: backfill_network sets nothing, and neither does BACKFILL-NETWORK.
    const upper = name.toUpperCase().replaceAll(/[.-]/g, '_')
    if (KNOWN.includes(name) || FOREIGN.test(upper)) return []
    // MY_CLICKHOUSE_URL is another program's; SORUCE_CLICKHOUSE_URL and BACKFIL_JOBS are typing errors.
    const [first = '', second = ''] = upper.split('_')
    const isSide = nearest(first, SIDES) !== undefined && nearest(second, ['CLICKHOUSE']) !== undefined
    const isTypo = isSide || nearest(first, ['BACKFILL']) !== undefined
    if (!OURS.test(upper) && !isTypo) return []
    const meant = KNOWN.find((known) => known.startsWith(upper)) ?? nearest(upper, KNOWN)
    return [`${name} is not a variable of backfill${meant === undefined ? '' : `: did you mean ${meant}?`}`]
  })
  return [...late, ...unknown]
}
