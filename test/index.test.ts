// Owns the promise that the library refuses what it would ignore.
import { expect, test } from 'vitest'
import { openWorkspace } from '../src/index.ts'

test.each([
  ['dry-run', "unknown flag 'dry-run'"],
  ['exclude', "unknown flag 'exclude'"],
  ['netwrk', "unknown flag 'netwrk'"],
  ['tables', 'tables are no flag of the library'],
])('the flag %s is refused', async (name, message) => {
  await expect(openWorkspace({ flags: { [name]: 'x' } })).rejects.toMatchObject({ kind: 'usage', message })
})
