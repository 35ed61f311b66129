// Owns the promise that the library could be published for Deno: jsr.json names files and types that its check accepts.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { outcome, repository, start } from '../support/processes.ts'

const json = (file: string): Record<string, unknown> =>
  JSON.parse(readFileSync(join(repository, file), 'utf8')) as Record<string, unknown>

test('`deno publish --dry-run` accepts the library: types, imports and files', async () => {
  const deno = join(repository, 'node_modules/deno/bin.cjs')
  const publish = [deno, 'publish', '--dry-run', '--allow-dirty', '--quiet']
  const { code, stderr } = await outcome(start(process.execPath, publish, { cwd: repository }))
  expect(code, stderr).toBe(0)
})

test('version and licence are those of the package', () => {
  const { version, license } = json('package.json')
  expect(json('jsr.json')).toMatchObject({ version, license })
})
