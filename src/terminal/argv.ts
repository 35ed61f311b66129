// Owns the typed words: which flag got which word, exactly as typed, and what a word may mean. Pure.
import { usageError } from '../model/errors.ts'
import type { Order } from '../planning/chunks.ts'
import { nearest } from '../model/did-you-mean.ts'
import { type Wire, WIRE_NAMES } from '../model/wire-names.ts'

/** A flag as it is declared. `value` names its argument in the help (`N`); a flag without it is a switch. */
export type Flag = {
  readonly name: string
  readonly value?: string
  readonly about: string
  /** Words without a flag are its values: `test a b` is `test --tables a,b`. */
  readonly bare?: boolean
  /** Under which name its word is kept, where the command means something else by the name than the others do. */
  readonly as?: string
}

/** Flag name without dashes -> the word typed for it; a switch that is there has the word ''. */
export type Words = ReadonlyMap<string, string>

/** A value with the place it was found in, for messages: `--from`, `BACKFILL_LAG`. */
export type Word = { readonly text: string; readonly place: string }

/** Ethereum's block numbers, and the type of the derived tables' columns: UInt32. */
const MAX_BLOCK = 4_294_967_295

/**
 * Reads what follows the command. Nothing is cast and nothing is dropped: `--from ''` (an unset variable in a
 * crontab) stays an empty word, which no reader below accepts.
 * @throws BackfillError `usage` for an unknown flag, a flag given twice or without its value, a stray word.
 */
export function readWords(argv: readonly string[], command: string, flags: readonly Flag[]): Words {
  const words = new Map<string, string>()
  const rest = [...argv]
  const bare = flags.find((flag) => flag.bare)?.name
  for (let word = rest.shift(); word !== undefined; word = rest.shift()) {
    if (!word.startsWith('-') && bare !== undefined) {
      words.set(bare, [words.get(bare), word].filter((one) => one !== undefined).join())
      continue
    }
    if (!word.startsWith('-')) {
      throw usageError(`unexpected word '${word}' after \`${command}\``, helpOn(command))
    }
    const [name, inline] = splitFlag(word)
    const flag = flags.find((known) => known.name === name)
    if (flag === undefined) throw unknownFlag(word, command, flags)
    if (flag.value === undefined && inline !== undefined) {
      throw usageError(`--${flag.name} takes no value, got '${inline}'`, helpOn(command))
    }
    const text = flag.value === undefined ? '' : (inline ?? valueAfter(rest))
    if (text === undefined)
      throw usageError(`--${flag.name} needs a value: --${flag.name} ${flag.value}`, helpOn(command))
    const kept = flag.as ?? flag.name
    const before = words.get(kept)
    if (before !== undefined && flag.value !== undefined) {
      throw usageError(`--${flag.name} is given twice: '${before}' and '${text}'`, 'give it once')
    }
    words.set(kept, text)
  }
  return words
}

/** Reads one flag with one of the readers below; undefined where it was not typed. */
export function readFlag<T>(words: Words, name: string, read: (word: Word) => T): T | undefined {
  const text = words.get(name)
  return text === undefined ? undefined : read({ text, place: `--${name}` })
}

export function blockNumber(word: Word): number {
  return wholeNumber(word, 0, MAX_BLOCK, 'a block number')
}

export function blockCount(word: Word): number {
  return wholeNumber(word, 0, MAX_BLOCK, 'a number of blocks')
}

export function positiveCount(word: Word): number {
  return wholeNumber(word, 1, MAX_BLOCK, 'a whole number from 1')
}

export function blockOrder({ text, place }: Word): Order {
  if (text === 'head' || text === 'tail') return text
  throw usageError(
    `${place} must be head (the newest blocks first) or tail (the oldest first), got '${text}'`,
  )
}

export function wireName({ text, place }: Word): Wire {
  const found = WIRE_NAMES.find((name) => name === text)
  if (found === undefined) throw usageError(`${place} must be lz4, zstd or none, got '${text}'`)
  return found
}

/** `90`, `90s`, `55m` or `2h` as ms. */
export function duration({ text, place }: Word): number {
  const [, amount, unit = 's'] = /^(0|[1-9]\d{0,6})([smh]?)$/.exec(text) ?? []
  if (amount === undefined)
    throw usageError(`${place} must be a time such as 90, 90s, 55m or 2h, got '${text}'`)
  return Number(amount) * { s: 1_000, m: 60_000, h: 3_600_000 }[(unit || 's') as 's' | 'm' | 'h']
}

export function nonEmpty(word: Word): string {
  if (word.text.trim() === '') throw usageError(`${word.place} must not be empty, got '${word.text}'`)
  return word.text
}

/** As a server's configuration can have it: a name of XML. */
export function clusterName(word: Word): string {
  const name = nonEmpty(word)
  if (!/^[A-Za-z_][\w.-]*$/.test(name))
    throw usageError(
      `${word.place} must be a name of letters, digits, _, - and ., got '${name}'`,
      'SELECT cluster FROM system.clusters shows the names that a server knows',
    )
  return name
}

/** `a,b` as ['a', 'b']; blanks around a name are dropped, a name given twice counts once. */
export function names(word: Word): readonly string[] {
  const list = word.text.split(',').map((name) => name.trim())
  if (list.includes('')) {
    throw usageError(
      `${word.place} must be names separated by commas, got '${word.text}'`,
      '`backfill list` shows the tables',
    )
  }
  return [...new Set(list)]
}

function wholeNumber(word: Word, from: number, to: number, what: string): number {
  // Decimal digits only: 007, 0x10, 1e3, 1.5, +5 and ' 5' are more likely slips than numbers.
  const value = /^(0|[1-9]\d{0,15})$/.test(word.text) ? Number(word.text) : Number.NaN
  if (value >= from && value <= to) return value
  const limit = value > to ? ` up to ${to}` : ''
  throw usageError(`${word.place} must be ${what}${limit}, got '${word.text}'`)
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
  const [name] = splitFlag(word)
  const near = nearest(
    name ?? word,
    flags.map((flag) => flag.name),
  )
  // The part behind `=` is not repeated: it may be a password.
  const typed = word.replace(/=.*$/s, '')
  return usageError(
    `unknown flag ${typed} for \`${command}\``,
    (near === undefined ? '' : `did you mean --${near}? `) + helpOn(command),
  )
}

function helpOn(command: string): string {
  return `\`backfill ${command} --help\` shows its flags`
}
