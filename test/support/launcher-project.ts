// Owns throw-away projects that hold a copy of the launcher, and the processes that tests start in them.

import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, realpathSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const repository = fileURLToPath(new URL('../..', import.meta.url))

export type ProjectOptions = {
  /** package.json's scripts. */
  readonly scripts?: Readonly<Record<string, string>>
  /** The oldest Node that will do. */
  readonly node?: string
}

/** A folder with package.json and scripts/; nothing is installed there yet. */
export function makeProject({ scripts = {}, node = '22.18' }: ProjectOptions = {}): string {
  const root = temporaryDirectory()
  writeFileSync(join(root, 'package.json'), JSON.stringify({ scripts, engines: { node: `>=${node}` } }))
  mkdirSync(join(root, 'scripts'))
  for (const file of ['with-deps.mjs', 'end-with-parent.mjs']) {
    cpSync(join(repository, 'scripts', file), join(root, 'scripts', file))
  }
  return root
}

export function temporaryDirectory(): string {
  return mkdtempSync(join(realpathSync(tmpdir()), 'backfill-test-'))
}

/** Starts a command that finds this test's own Node first and knows nothing of the npm that may run the tests. */
export function start(command: string, args: readonly string[], options: SpawnOptions = {}): ChildProcess {
  const inherited = Object.entries(process.env).filter(([name]) => !name.startsWith('npm_'))
  const env = {
    ...Object.fromEntries(inherited),
    PATH: `${dirname(process.execPath)}:${process.env['PATH']}`,
  }
  return spawn(command, args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    ...options,
    env: { ...env, ...options.env },
  })
}

export type Outcome = {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly stdout: string
  readonly stderr: string
}

/** What a process said and how it ended. */
export async function outcome(child: ChildProcess): Promise<Outcome> {
  let stdout = ''
  let stderr = ''
  child.stdout?.setEncoding('utf8').on('data', (text: string) => (stdout += text))
  child.stderr?.setEncoding('utf8').on('data', (text: string) => (stderr += text))
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code, signal) => resolve({ code, signal, stdout, stderr }))
  })
}
