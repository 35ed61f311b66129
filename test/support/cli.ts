// Owns the real program in a process of its own: typed words and an environment in, what it said and its code out.
import { type ChildProcess, spawn } from 'node:child_process'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { PassThrough } from 'node:stream'
import { text } from 'node:stream/consumers'
import { expect, onTestFinished } from 'vitest'
import { runCli } from '../../src/cli/run-cli.ts'
import { type Outcome, outcome, repository, temporaryDirectory } from './processes.ts'
import { checkJsonOutput } from './json-outputs.ts'
import type { TestServer } from './server.ts'

export const MAIN = join(repository, 'src/main.ts')

/** A port that nobody listens on. */
export const NOWHERE = { TARGET_CLICKHOUSE_URL: '127.0.0.1:1' }

/** Node keeps what it compiled of src/ there, by content; without it, most of a process's time is stripping types. */
const COMPILED = {
  NODE_COMPILE_CACHE: process.env['NODE_COMPILE_CACHE'] ?? join(tmpdir(), 'backfill-compiled'),
}

export type CliOptions = {
  /** All that the program gets of the environment, beside a PATH with this Node first: a developer's settings must not decide. */
  readonly env?: Readonly<Record<string, string>>
  /** Where it runs; a folder of its own where none is given. */
  readonly cwd?: string
  /** The program and what stands before its words; Node on src/main.ts where none is given. */
  readonly command?: readonly string[]
}

/** Starts `backfill <argv>`; it is killed when the test has finished. */
export function startBackfill(argv: readonly string[], options: CliOptions = {}): ChildProcess {
  const { env = {}, cwd = temporaryDirectory(), command = [process.execPath, MAIN] } = options
  const [program = '', ...first] = command
  const child = spawn(program, [...first, ...argv], {
    cwd,
    env: { PATH: [dirname(process.execPath), process.env['PATH']].join(delimiter), ...COMPILED, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  onTestFinished(() => void child.kill('SIGKILL'))
  return child
}

/** Runs `backfill <argv>` to its end. Whatever JSON it prints is as its schema says. */
export async function backfill(argv: readonly string[], options: CliOptions = {}): Promise<Outcome> {
  const ended = await outcome(startBackfill(argv, options))
  checkJsonOutput(argv, ended)
  return ended
}

/**
 * `backfill <argv>` in this process: what it prints and its code, for promises that do not need a process of their own.
 */
export async function backfillHere(
  argv: readonly string[],
  { env = {}, cwd }: CliOptions = {},
): Promise<Outcome> {
  const [stdout, stderr] = [new PassThrough(), new PassThrough()]
  const said = Promise.all([text(stdout), text(stderr)])
  const code = await runCli(argv, {
    stdout: stdout as unknown as NodeJS.WriteStream,
    stderr: stderr as unknown as NodeJS.WriteStream,
    env,
    cwd: () => cwd ?? tmpdir(),
  })
  for (const stream of [stdout, stderr]) stream.end()
  const [out, error] = await said
  checkJsonOutput(argv, { stdout: out })
  return { code, stdout: out, stderr: error }
}

export type Databases = { readonly source: string; readonly target: string; readonly ledger: string }

/** The environment of a person who has one server, and these databases on it. */
export function environmentFor(
  { url, username, password }: Pick<TestServer, 'url' | 'username' | 'password'>,
  { source, target, ledger }: Databases,
): Record<string, string> {
  return {
    TARGET_CLICKHOUSE_URL: url,
    TARGET_CLICKHOUSE_USERNAME: username,
    TARGET_CLICKHOUSE_PASSWORD: password,
    SOURCE_CLICKHOUSE_DATABASE: source,
    TARGET_CLICKHOUSE_DATABASE: target,
    BACKFILL_LEDGER_DATABASE: ledger,
  }
}

/**
 * Expects one message and nothing else: a line on stderr, at most one hint below it, no stack, nothing on stdout.
 * Returns the message.
 */
export function expectOneMessage({ stdout, stderr }: Outcome): string {
  expect(stdout).toBe('')
  expect(stderr).toMatch(/^backfill: .+\n( {2}\S.*\n)?$/)
  expect(stderr).not.toMatch(/^ +at /m)
  return stderr.split('\n')[0] ?? ''
}
