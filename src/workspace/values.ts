// Owns reading values from words, of a flag, a variable or a line of `.env`. Pure.
import { usageError } from '../model/errors.ts'
import type { PerUnit } from '../model/model.ts'
import { MAX_TYPED, timePosition } from '../model/blocks.ts'
import { mayBeTyped } from '../sql-syntax/settings.ts'

/** A value with its place, for messages: `--from`, `BACKFILL_LAG`. */
export type Word = { readonly text: string; readonly place: string }

/** Flag name without dashes -> its typed word, and the flag as typed; a switch has the word ''. */
export type Flags = ReadonlyMap<string, Word>

export function typedWords(values: Readonly<Record<string, string>>): Flags {
  return new Map(Object.entries(values).map(([name, text]) => [name, { text, place: `--${name}` }]))
}

/** Reads one flag with one of the readers below; undefined if it was not typed. */
export function readFlag<T>(flags: Flags, name: string, read: (word: Word) => T): T | undefined {
  const word = flags.get(name)
  return word === undefined ? undefined : read(word)
}

/** A position: a number, or a UTC time such as 2024-03-13T13:55. */
export function blockNumber(word: Word): number {
  const what = /\d[-:/]\d/.test(word.text)
    ? 'a UTC time from 1970 to 2105, such as 2024-03-13T13:55, or a block number'
    : 'a block number'
  return timePosition(word.text) ?? wholeNumber(word, 0, MAX_TYPED, what)
}

export function blockCount(word: Word): number {
  return wholeNumber(word, 0, MAX_TYPED, 'a number of blocks')
}

/** A reader of `64`, `5m` (tables that count seconds), or both: `64,5m`. `usual`: what is not typed. */
export function perUnit(usual: PerUnit = {}, least = 0): (word: Word) => PerUnit {
  return (word) => {
    const parts = /^[\d_,]*$/.test(word.text) ? [word.text] : word.text.split(',')
    const [blocks, more] = parts.filter((part) => !/[smh]$/.test(part))
    const [time, another] = parts.filter((part) => /[smh]$/.test(part))
    const typed = [blocks, time].map((text, at) =>
      text === undefined
        ? undefined
        : at === 0
          ? (least === 0 ? blockCount : positiveCount)({ ...word, text })
          : Math.round(duration({ ...word, text }) / 1000),
    )
    if (more !== undefined || another !== undefined || (typed[1] === 0 && least > 0))
      throw usageError(`${word.place} must be a number, a time, or both, such as 64,5m, got '${word.text}'`)
    if (typed[1] === undefined) return typed[0]!
    const rest = typeof usual === 'object' ? usual : {}
    return { ...rest, ...(typed[0] !== undefined && { block: typed[0] }), second: typed[1] }
  }
}

export function positiveCount(word: Word): number {
  return wholeNumber(word, 1, MAX_TYPED, 'a whole number from 1')
}

export function oneOf<T extends string>(known: readonly T[]): (word: Word) => T {
  return ({ text, place }) => {
    const found = known.find((name) => name === text)
    if (found !== undefined) return found
    throw usageError(`${place} must be ${known.slice(0, -1).join(', ')} or ${known.at(-1)}, got '${text}'`)
  }
}

/** `90`, `90s`, `55m` or `2h` as ms. */
export function duration({ text, place }: Word): number {
  const [, amount, unit = 's'] = /^(0|[1-9]\d{0,6})([smh]?)$/.exec(text) ?? []
  if (amount === undefined)
    throw usageError(`${place} must be a time such as 90, 90s, 55m or 2h, got '${text}'`)
  return Number(amount) * { s: 1_000, m: 60_000, h: 3_600_000 }[(unit || 's') as 's' | 'm' | 'h']
}

export function share({ text, place }: Word): number {
  const value = /^\d{1,3}(\.\d{1,3})?%$/.test(text) ? Number(text.slice(0, -1)) : Number.NaN
  if (value <= 100) return value / 100
  throw usageError(`${place} must be a share such as 5%, got '${text}'`)
}

export function nonEmpty(word: Word): string {
  if (word.text.trim() === '') throw usageError(`${word.place} must not be empty, got '${word.text}'`)
  return word.text
}

/** ClickHouse takes nearly any name, but a blank, a quote or a slash in one is a mistake. */
export function databaseName(word: Word): string {
  if (/^[\p{L}\p{N}_][\p{L}\p{N}_.-]*$/u.test(word.text)) return word.text
  throw usageError(
    `${word.place} must be a database's name of letters, digits, _, - and ., got ${JSON.stringify(word.text)}`,
  )
}

export function clusterName(word: Word): string {
  const name = nonEmpty(word)
  if (!/^[A-Za-z_][\w.-]*$/.test(name))
    throw usageError(
      `${word.place} must be a name of letters, digits, _, - and ., got '${name}'`,
      'SELECT cluster FROM system.clusters shows the names that a server knows',
    )
  return name
}

/** `priority=10,max_threads=4`: settings that change how fast a statement runs, and no rows. */
export function harmlessSettings({ text, place }: Word): Readonly<Record<string, string>> {
  const pairs = text.split(',').map((part) => {
    const [, name = '', value = ''] = /^\s*(\w+)\s*=\s*([\w.+-]+)\s*$/.exec(part) ?? []
    if (name === '')
      throw usageError(`${place} must be settings such as priority=10,max_threads=4, got '${text}'`)
    if (!mayBeTyped(name))
      throw usageError(
        `${place}: the setting ${name} may not be set for a run: rows could change by it, or statements fail`,
        'priority, workload, max_threads, max_memory_usage, timeouts, caches and others that change speed alone are taken',
      )
    return [name, value] as const
  })
  return Object.fromEntries(pairs)
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

/** The selectors after --tables, and those after --exclude with a `-` before them (model/choose.ts). */
export function selectors(flags: Flags): readonly string[] {
  const [wanted = [], unwanted = []] = ['tables', 'exclude'].map((name) => readFlag(flags, name, names))
  return [...wanted, ...unwanted.map((one) => `-${one}`)]
}

function wholeNumber(word: Word, from: number, to: number, what: string): number {
  // Decimal digits only: 007, 0x10, 1e3, 1.5, +5 and ' 5' are more likely mistakes than numbers.
  const text = /^[1-9]\d{0,2}([_,]\d{3})+$/.test(word.text) ? word.text.replaceAll(/[_,]/g, '') : word.text
  const value = /^(0|[1-9]\d{0,15})$/.test(text) ? Number(text) : Number.NaN
  if (value >= from && value <= to) return value
  const limit = value > to ? ` up to ${to}` : ''
  throw usageError(`${word.place} must be ${what}${limit}, got '${word.text}'`)
}
