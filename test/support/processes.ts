// Owns what a test starts and leaves on disk: every process is killed and every directory removed when it has finished.

import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process'
import { mkdtempSync, realpathSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { onTestFinished } from 'vitest'

export const repository = fileURLToPath(new URL('../..', import.meta.url))

export function temporaryDirectory(): string {
  const directory = mkdtempSync(join(realpathSync(tmpdir()), 'backfill-test-'))
  // A process that was killed a moment ago may still be writing there.
  onTestFinished(() => rmSync(directory, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 }))
  return directory
}

/** Starts a command that finds this test's own Node first and knows nothing of the npm that may run the tests. */
export function start(command: string, args: readonly string[], options: SpawnOptions = {}): ChildProcess {
  const inherited = Object.entries(process.env).filter(([name]) => !name.startsWith('npm_'))
  const path = [dirname(process.execPath), process.env['PATH']].join(delimiter)
  const env = { ...Object.fromEntries(inherited), PATH: path, ...options.env }
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'], ...options, env })
  onTestFinished(() => void child.kill('SIGKILL'))
  return child
}

export type Outcome = { readonly code: number | null; readonly stdout: string; readonly stderr: string }

/** What a process said and how it ended. */
export function outcome(child: ChildProcess): Promise<Outcome> {
  let stdout = ''
  let stderr = ''
  child.stdout?.setEncoding('utf8').on('data', (text: string) => (stdout += text))
  child.stderr?.setEncoding('utf8').on('data', (text: string) => (stderr += text))
  return new Promise((resolve, reject) => {
    child.once('error', reject).once('close', (code) => resolve({ code, stdout, stderr }))
  })
}
