// Owns the promise that the library refuses what it would ignore.
import { expect, test } from 'vitest'
import { openWorkspace } from '../src/index.ts'
import { temporaryDirectory } from './support/processes.ts'
import { readConfig } from '../src/workspace/config.ts'
import { assertOptions, upOptions } from '../src/workspace/run-options.ts'

test.each([
  ['dry-run', "unknown flag 'dry-run'"],
  ['exclude', "unknown flag 'exclude'"],
  ['netwrk', "unknown flag 'netwrk'"],
  ['tables', 'tables are no flag of the library'],
])('the flag %s is refused', async (name, message) => {
  await expect(openWorkspace({ flags: { [name]: 'x' } })).rejects.toMatchObject({ kind: 'usage', message })
})

test.each([
  [{ jobs: 0 }, 'jobs must be a whole number from 1, not 0'],
  [{ chunk: Number.NaN }, 'chunk must be a whole number from 1, not NaN'],
  [{ to: '40' }, 'to must be a whole number from 0, not 40'],
  [{ from: -3 }, 'from must be a whole number from 0, not -3'],
  [{ from: 10, to: 5 }, 'from 10 is after to 5'],
  [{ job: 2 }, "unknown option 'job'"],
])('the option %j of up is refused: a run would do nothing, and say nothing', (options, message) => {
  const flags = new Map()
  const known = upOptions({
    flags,
    config: readConfig({ flags, environment: {}, folder: temporaryDirectory() }),
  })
  expect(() => assertOptions(options as object, known)).toThrow(
    expect.objectContaining({ kind: 'usage', message }),
  )
  expect(() => assertOptions({ jobs: 2, to: undefined, lag: { block: 3, second: 4 } }, known)).not.toThrow()
})
