// Owns the promise that the library refuses what it would ignore.
import { expect, test } from 'vitest'
import { openWorkspace } from '../src/index.ts'
import { temporaryDirectory } from './support/processes.ts'
import { readConfig } from '../src/workspace/config.ts'
import { withDefaults, upOptions } from '../src/workspace/run-options.ts'

test.each([
  ['dry-run', "unknown flag 'dry-run'"],
  ['exclude', "unknown flag 'exclude'"],
  ['netwrk', "unknown flag 'netwrk'"],
  ['tables', 'tables are no flag of the library'],
])('the flag %s is refused', async (name, message) => {
  await expect(openWorkspace({ flags: { [name]: 'x' } })).rejects.toMatchObject({ kind: 'usage', message })
})

test.each([
  [{ tables: 'gas' }, '`tables` must be an array of texts'],
  [{ tables: [null] }, '`tables` must be an array of texts'],
  [{ folder: new URL('file:///tmp') }, '`folder` must be a text'],
  [{ flags: { lag: undefined } }, "the value of flag 'lag' must be a text, not undefined"],
  [{ flags: { jobs: 4 } }, "the value of flag 'jobs' must be a text, not 4"],
])(
  'openWorkspace says what is wrong with %j, as the command line does of its words',
  async (options, message) => {
    await expect(openWorkspace(options as never)).rejects.toMatchObject({ kind: 'usage', message })
  },
)

function defaults() {
  const flags = new Map()
  return upOptions({ flags, config: readConfig({ flags, environment: {}, folder: temporaryDirectory() }) })
}

test.each([
  [{ jobs: 0 }, 'jobs must be a whole number from 1, not 0'],
  [{ chunk: Number.NaN }, 'chunk must be a whole number from 1, not NaN'],
  [{ chunk: { blocks: 3 } }, 'chunk must be a whole number from 1, not [object Object]'],
  [{ to: '40' }, 'to must be a whole number from 0, not 40'],
  [{ to: null }, 'to must be a whole number from 0, not null'],
  [{ to: Object(40) }, 'to must be a whole number from 0, not 40'],
  [{ from: -3 }, 'from must be a whole number from 0, not -3'],
  [{ from: 10, to: 5 }, 'from 10 is after to 5'],
  [{ job: 2 }, "unknown option 'job'"],
  [{ order: 'head' }, "order must be 'oldest' or 'newest', not head"],
  [{ maxRuntimeMs: Number.NaN }, 'maxRuntimeMs must be a number of milliseconds from 0, not NaN'],
  [{ minFreeShare: 5 }, 'minFreeShare must be a share from 0 to 1, not 5'],
  [{ recompute: 'gas' }, 'recompute must be an array of table keys, not gas'],
])(
  'the option %j of up is refused: a run would do nothing or too much, and say nothing',
  (options, message) => {
    const usual = defaults()
    expect(() => withDefaults(options as object, usual)).toThrow(
      expect.objectContaining({ kind: 'usage', message }),
    )
  },
)

test('a Date as `to` of up is refused, instead of a run without an end', () => {
  const [usual, to] = [defaults(), new Date(0) as never]
  expect(() => withDefaults({ to }, usual)).toThrow(/^to must be a whole number from 0, not /)
})

test('an option of up without a value counts as not given', () => {
  const usual = defaults()
  const unset: object = { to: undefined, order: undefined }
  const options = withDefaults({ jobs: 2, lag: { block: 3, second: 4 }, ...unset }, usual)
  expect(options).toEqual({ ...usual, jobs: 2, lag: { block: 3, second: 4 } })
})
