// Owns what a program may give as options of a run, where no flag has been read. Pure.
import { usageError } from '../model/errors.ts'
import type { UpOptions } from '../planning/run-options.ts'

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
