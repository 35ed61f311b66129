// Owns throw-away projects that hold a copy of the launcher.

import { cpSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { repository, temporaryDirectory } from './processes.ts'

export type ProjectOptions = {
  /** package.json's scripts. */
  readonly scripts?: Readonly<Record<string, string>>
  /** The oldest Node that will do. */
  readonly node?: string
}

/** A folder with package.json and scripts/, without dependencies; nothing is installed there yet. */
export function makeProject({ scripts = {}, node = '22.18' }: ProjectOptions = {}): string {
  const root = temporaryDirectory()
  writeFileSync(join(root, 'package.json'), JSON.stringify({ scripts, engines: { node: `>=${node}` } }))
  mkdirSync(join(root, 'scripts'))
  for (const file of ['with-deps.mjs', 'end-with-parent.mjs']) {
    cpSync(join(repository, 'scripts', file), join(root, 'scripts', file))
  }
  return root
}
