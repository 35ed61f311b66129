// Owns building and packing the repository, as `npm publish` would.
import { cpSync, mkdirSync, readdirSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'vitest'
import { outcome, repository, start } from './processes.ts'

/** The path of the tarball. `copy`: a folder to make, so that this dist/ stays as it is. */
export async function pack(copy: string): Promise<string> {
  mkdirSync(copy)
  for (const name of readdirSync(repository)) {
    if (['node_modules', 'dist', 'state', '.git'].includes(name)) continue
    cpSync(join(repository, name), join(copy, name), { recursive: true })
  }
  symlinkSync(join(repository, 'node_modules'), join(copy, 'node_modules'))
  const build = await outcome(start(process.execPath, ['scripts/build.mjs'], { cwd: copy }))
  expect(build.code, build.stdout).toBe(0)
  const packed = await outcome(start('npm', ['pack', '--ignore-scripts', '--silent'], { cwd: copy }))
  expect(packed.code, packed.stderr).toBe(0)
  return join(copy, packed.stdout.trim())
}
