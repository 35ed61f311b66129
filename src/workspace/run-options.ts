// Owns the options of a run: read from flags and configuration, or given by a program.
import * as values from './values.ts'
import { resolve } from 'node:path'
import { usageError, refuse } from '../model/errors.ts'
import type { TableDefinition, Unit } from '../model/model.ts'
import { isTime, timePosition } from '../model/blocks.ts'
import type { MaxLoad, UpOptions } from '../planning/run-options.ts'
import { onlySelect } from '../project/transform-statement.ts'
import { readLoginFile } from './text-file.ts'
import type { Config } from './config.ts'
import { type Flags, readFlag, type Word } from './values.ts'
import type { Setting } from './variables.ts'

export function upOptions({ config, flags }: { readonly config: Config; readonly flags: Flags }): UpOptions {
  const { from, to } = typedBounds(flags)
  const { chunk, chunkRows, order, jobs, tableJobs, lag } = config
  return {
    from,
    to,
    // A typed flag overrides a configured value, even if the two express the size differently.
    chunk: isTyped(chunkRows) && !isTyped(chunk) ? undefined : chunk.value,
    chunkRows: chunkRows.value,
    order: order.value,
    jobs: jobs.value,
    tableJobs: tableJobs.value,
    lag: lag.value,
    giveUpMs: readFlag(flags, 'give-up', values.duration) ?? 300_000,
    minFreeShare: readFlag(flags, 'min-free-disk', values.share) ?? 0.05,
    graceMs: readFlag(flags, 'grace', values.duration) ?? 60_000,
    maxRuntimeMs: readFlag(flags, 'max-runtime', values.duration),
    lockWaitMs: readFlag(flags, 'lock-wait', values.duration) ?? 0,
    lockSkip: flags.has('lock-skip'),
    noAudits: flags.has('no-audits'),
    maxLoad: readFlag(flags, 'max-load', (word) => maxLoad(word, config.folder)),
    recompute: readFlag(flags, 'recompute', values.names) ?? [],
    redoStale: flags.has('redo-stale'),
    newSource: flags.has('new-source'),
  }
}

function maxLoad(word: Word, folder: string): MaxLoad {
  if (/^\d+$/.test(word.text)) return { queries: values.positiveCount(word) }
  const text = readLoginFile(resolve(folder, word.text), word.place, 'SQL')
  return { file: word.text, sql: onlySelect(word.text, text, refuse, 'question of --max-load').text }
}

export function typedBounds(flags: Flags): Pick<UpOptions, 'from' | 'to'> {
  const from = readFlag(flags, 'from', values.blockNumber)
  const to = readFlag(flags, 'to', values.blockNumber)
  if (from !== undefined && to !== undefined && from > to) {
    const [start, end] = [flags.get('from')!, flags.get('to')!]
    throw usageError(
      `${start.place} ${start.text} is after ${end.place} ${end.text}`,
      'swap them: the range goes upwards',
    )
  }
  return { from, to }
}

type Counting = readonly Pick<TableDefinition, 'key' | 'unit'>[]

function byUnit(chosen: Counting) {
  const keys = (unit: Unit) => chosen.flatMap((table) => (table.unit === unit ? [table.key] : []))
  const [blocks, seconds] = [keys('block'), keys('second')]
  return { blocks, seconds, isMixed: blocks.length > 0 && seconds.length > 0 }
}

/** @throws BackfillError `usage` for a number that is blocks for some tables and seconds for others */
export function assertUnits(
  chosen: Counting,
  { config, flags }: { readonly config: Config; readonly flags: Flags },
): void {
  const { blocks, seconds, isMixed } = byUnit(chosen)
  for (const { value, origin } of [config.lag, config.chunk])
    if (isMixed && typeof value === 'number' && value > 0)
      throw usageError(
        `${origin}: ${value} would be blocks for ${blocks.join(', ')} and seconds for ${seconds.join(', ')}`,
        `type both, such as ${value},5m, or choose tables with --tables`,
      )
  assertPositions(chosen, flags)
}

/** @throws BackfillError `usage` for a time typed for tables that count blocks, whatever its number, and for a block where some count seconds */
export function assertPositions(chosen: Counting, flags: Flags): void {
  const { blocks, seconds, isMixed } = byUnit(chosen)
  for (const name of ['from', 'to', 'at']) {
    const position = readFlag(flags, name, values.blockNumber)
    if (position === undefined) continue
    const { text, place } = flags.get(name)!
    const isOfTime = timePosition(text) !== undefined || isTime(position)
    const wrong = isOfTime ? blocks : isMixed ? seconds : []
    if (wrong.length > 0)
      throw usageError(
        `${place} ${text} is ${isOfTime ? 'a time' : 'a block'}, and ${wrong.join(', ')} count${wrong.length === 1 ? 's' : ''} ${isOfTime ? 'blocks' : 'seconds'}`,
        isMixed ? 'choose the tables that it is for with --tables' : 'type a block number, such as 19000000',
      )
  }
}

function isTyped({ origin }: Setting<unknown>): boolean {
  return origin.startsWith('flag ')
}

const wholeFrom = (least: number) => ({
  form: `a whole number from ${least}`,
  fits: (value: unknown) => Number.isInteger(value) && Number(value) >= least,
})

/** What `PerUnit` takes: a number, or one for each unit. */
function amountFrom(least: number): Expected {
  const { form, fits } = wholeFrom(least)
  const isOfUnit = ([unit, one]: [string, unknown]) =>
    ['block', 'second'].includes(unit) && (one === undefined || fits(one))
  return { form, fits: (value) => fits(value) || (isPlain(value) && Object.entries(value).every(isOfUnit)) }
}

const upTo = (most: number, form: string) => ({
  form,
  fits: (value: unknown) => typeof value === 'number' && value >= 0 && value <= most,
})

const MILLISECONDS = upTo(Infinity, 'a number of milliseconds from 0')
const YES_OR_NO = { form: 'true or false', fits: (value: unknown) => typeof value === 'boolean' }

const OPTIONS: Readonly<Record<keyof UpOptions, Expected>> = {
  from: wholeFrom(0),
  to: wholeFrom(0),
  chunk: amountFrom(1),
  chunkRows: wholeFrom(1),
  order: { form: "'oldest' or 'newest'", fits: (value) => value === 'oldest' || value === 'newest' },
  jobs: wholeFrom(1),
  tableJobs: wholeFrom(1),
  lag: amountFrom(0),
  giveUpMs: MILLISECONDS,
  minFreeShare: upTo(1, 'a share from 0 to 1'),
  graceMs: MILLISECONDS,
  maxRuntimeMs: MILLISECONDS,
  lockWaitMs: MILLISECONDS,
  lockSkip: YES_OR_NO,
  noAudits: YES_OR_NO,
  maxLoad: { form: 'an object', fits: isPlain },
  recompute: { form: 'an array of table keys', fits: areTexts },
  redoStale: YES_OR_NO,
  newSource: YES_OR_NO,
}

type Expected = { readonly form: string; readonly fits: (value: unknown) => boolean }

const isGiven = (value: unknown): boolean => value !== undefined

function isPlain(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype
}

export function areTexts(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((one) => typeof one === 'string')
}

/**
 * The defaults, and over them what a program gives, which no flag has checked: with `jobs: 0` a run would do nothing and say nothing, with
 * a Date as `to` it would end nowhere. An option without a value is not given. @throws BackfillError `usage`
 */
export function withDefaults(given: Partial<UpOptions>, defaults: UpOptions): UpOptions {
  const known = (Object.entries(given) as [string, unknown][]).filter(([name, value]) => {
    const expected = Object.hasOwn(OPTIONS, name) ? OPTIONS[name as keyof UpOptions] : undefined
    if (expected === undefined)
      throw usageError(`unknown option '${name}'`, `known: ${Object.keys(OPTIONS).join(', ')}`)
    if (isGiven(value) && !expected.fits(value))
      throw usageError(`${name} must be ${expected.form}, not ${String(value)}`, 'correct it')
    return isGiven(value)
  })
  const options: UpOptions = { ...defaults, ...Object.fromEntries(known) }
  const { from, to } = options
  if (from !== undefined && to !== undefined && from > to)
    throw usageError(`from ${from} is after to ${to}`, 'swap them: the range goes upwards')
  return options
}
