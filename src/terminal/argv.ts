// Owns parsing the typed words: the value of each flag, exactly as typed. Pure.
import { usageError, nearest } from '../model/errors.ts'
import type { Word, Flags } from '../workspace/values.ts'

/**
 * `value` names its argument: `<block>`, or `[seconds]` for one that may be left out. One with a comma, `<a,b>`, is a list,
 * which may be typed in parts. A switch has none.
 */
export type Flag = {
  readonly name: string
  readonly value?: string
  /**
   * A noun phrase, or what a switch does, with examples, the default in words, and the environment variable with the same
   * meaning: `How long to wait for an unreachable server, e.g. 90s, 5m (default: 5m; env: NAME)`.
   */
  readonly about: string
  /** Words without a flag are its values: `test a b` is `test --tables a,b`. */
  readonly bare?: boolean
  /** The name under which its value is stored, if other commands have another flag for the same value. */
  readonly as?: string
}

/**
 * Nothing is cast and nothing is dropped: `--from ''` (an unset variable in a crontab) stays an empty word, which no reader accepts.
 * `--sql a --sql b` is `--sql a,b`. @throws BackfillError `usage`
 */
export function readFlags(argv: readonly string[], command: string, flags: readonly Flag[]): Flags {
  const words = new Map<string, Word>()
  const rest = [...argv]
  const bare = flags.find((flag) => flag.bare)
  for (let word = rest.shift(); word !== undefined; word = rest.shift()) {
    if (!word.startsWith('-')) {
      if (bare === undefined)
        throw usageError(`unexpected word '${word}' after \`${command}\``, helpOn(command))
      const place = `--${bare.name}`
      const text = [words.get(bare.name)?.text, word].filter((one) => one !== undefined).join()
      words.set(bare.name, { text, place })
      continue
    }
    const [name, inline] = splitFlag(word)
    const flag = flags.find((known) => known.name === name)
    if (flag === undefined) throw unknownFlag(word, command, flags)
    if (flag.value === undefined && inline !== undefined) {
      throw usageError(`--${flag.name} takes no value, got '${inline}'`, helpOn(command))
    }
    const isOptional = flag.value?.startsWith('[') === true && !/^\d/.test(rest[0] ?? '')
    const text = flag.value === undefined ? '' : (inline ?? (isOptional ? '' : valueAfter(rest)))
    if (text === undefined)
      throw usageError(`--${flag.name} needs a value: --${flag.name} ${flag.value}`, helpOn(command))
    const kept = flag.as ?? flag.name
    const before = words.get(kept)
    const isList = isListFlag(flag)
    if (before !== undefined && flag.value !== undefined && !isList) {
      throw usageError(`--${flag.name} is given twice: '${before.text}' and '${text}'`, 'give it once')
    }
    const whole = before !== undefined && isList ? `${before.text},${text}` : text
    words.set(kept, { text: whole, place: `--${flag.name}` })
  }
  return words
}

export function isListFlag({ value }: Flag): boolean {
  return value?.includes(',') === true
}

function splitFlag(word: string): readonly [name: string | undefined, inline: string | undefined] {
  const match = /^--([^=]+)(?:=(.*))?$/s.exec(word)
  return [match?.[1], match?.[2]]
}

/** `-5` is a (bad) value, `--json` is the next flag. */
function valueAfter(rest: string[]): string | undefined {
  return rest[0]?.startsWith('--') === true ? undefined : rest.shift()
}

function unknownFlag(word: string, command: string, flags: readonly Flag[]): Error {
  const [name = word] = splitFlag(word)
  const known = flags.map((flag) => flag.name)
  const near = nearest(name, known)
  // The part after `=` is not printed, because it may be a password.
  const typed = word.replace(/=.*$/s, '')
  return usageError(
    `unknown flag ${typed} for \`${command}\``,
    (near === undefined ? '' : `did you mean --${near}? `) + helpOn(command),
  )
}

function helpOn(command: string): string {
  return `\`backfill ${command} --help\` shows its flags`
}

export type FlagRules = {
  /** Of the flags of each group, `stale from`, only one may be typed; `format=prometheus`: with that value alone. */
  readonly exclusive?: readonly string[]
  /** Flag -> the flag without which it means nothing, with a value to type: `sample 20`. */
  readonly only?: Readonly<Record<string, string>>
}

/** Where a flag was typed, or (`format=prometheus`) a flag with that value; undefined if it was not. */
export function typedAt(flags: Flags, word: string): string | undefined {
  const [name, value] = word.split('=')
  const typed = flags.get(name!)
  return value === undefined || typed?.text === value ? typed?.place : undefined
}

/** @throws BackfillError `usage` for flags that do not go together */
export function assertTogether(flags: Flags, { exclusive = [], only = {} }: FlagRules): void {
  for (const group of exclusive) {
    const [first, second] = group.split(' ').flatMap((word) => typedAt(flags, word) ?? [])
    if (second !== undefined)
      throw usageError(`${first} and ${second} exclude each other`, 'keep one of them')
  }
  for (const [name, wanted] of Object.entries(only)) {
    const [other] = wanted.split(' ', 1)
    if (flags.has(name) && !flags.has(other!))
      throw usageError(`--${name} is for --${other} only`, `add --${wanted}, or leave --${name} out`)
  }
}
