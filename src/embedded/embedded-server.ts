// Owns starting and stopping the embedded ClickHouse: a real server on loopback, in a child process of this one, which alone loads the
// engine.
import { type ChildProcess, spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { readFileSync, rmSync } from 'node:fs'
import type { Socket } from 'node:net'
import { extname, join, resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { BackfillError, serverProblem, usageError } from '../model/errors.ts'
import { quoteString } from '../sql-syntax/quoting.ts'
import { EMBEDDED_USER, prepareDirectory } from './server-directory.ts'
import { createRequire } from 'node:module'
import { isInImage } from '../seam/process.ts'

export type EmbeddedServer = Awaited<ReturnType<typeof startEmbedded>>

type EmbeddedOptions = {
  /** Holds data, password and log; created where missing. One server at a time. */
  readonly directory: string
  /** The server's memory limit; default: 90 % of the machine's memory. */
  readonly memoryBytes?: number
  /** For tests: one of several servers of a cluster; its native port, and elements of its configuration. */
  readonly shard?: { readonly tcpPort: number; readonly config: string }
  /** Rights of an administrator, for tests; default: the rights that a run needs, none of which leaves the server. */
  readonly isAdmin?: boolean
}

/** A start takes about a second; a large directory on a busy machine may take a while. */
const START_TIMEOUT_MS = 60_000

/**
 * The server ends with this process, however that ends, and does not keep it alive. @throws BackfillError 'usage' if engine or directory
 * cannot be used, 'locked' if another process runs a server there, 'server' with the engine's words if it does not start
 */
export async function startEmbedded(options: EmbeddedOptions) {
  const library = findEngineLibrary()
  const directory = resolve(options.directory)
  const { shard, memoryBytes, isAdmin = shard !== undefined } = options
  const { password, configFile } = prepareDirectory(directory, {
    memoryBytes,
    isAdmin,
    ...(shard && { more: shard.config }),
  })
  const portFile = join(directory, `port.${randomUUID()}`)
  const child = spawnChild([
    library,
    isAdmin ? '' : directory,
    '--multiquery',
    `--config-file=${configFile}`,
    `--path=${join(directory, 'data')}`,
    '--http_port=0',
    ...(shard === undefined ? [] : [`--tcp_port=${shard.tcpPort}`]),
    '--listen_host=127.0.0.1',
    '--log-level=warning', // the engine ignores this setting in the file
    `--query=${serveForever(portFile, shard !== undefined)}`,
  ])
  const said = collectErrors(child)
  const ended = new Promise<void>((done) => child.once('close', () => done()).once('error', () => done()))
  const stop = async (): Promise<void> => {
    child.ref() // otherwise a process with nothing else to wait for would end first
    child.kill('SIGKILL')
    await ended
  }
  try {
    const url = await firstAnswer(child, { portFile, password, said })
    if (url === undefined) {
      await stop() // also ends its output
      throw startError(said(), directory)
    }
    return {
      url,
      username: EMBEDDED_USER,
      password,
      pid: child.pid ?? 0,
      /** Ends the server and resolves when its process is gone. Everything acknowledged is kept. */
      stop,
    }
  } finally {
    rmSync(portFile, { force: true })
  }
}

/** The engine's only query: it ends when the process does. The port file appears when the port is listening. */
function serveForever(portFile: string, isShard: boolean): string {
  return [
    ...(isShard ? ['SYSTEM START LISTEN TCP'] : []),
    'SYSTEM START LISTEN HTTP',
    `SELECT getServerPort('http_port') INTO OUTFILE ${quoteString(portFile)} TRUNCATE FORMAT TSV`,
    'SELECT sleep(1000000000) SETTINGS function_sleep_max_microseconds_per_block = 0 FORMAT Null',
  ].join('; ')
}

function spawnChild(args: readonly string[]): ChildProcess {
  // Beside this file, or beside its bundle, with the same extension: .ts in the repository, .js in dist/.
  const program = fileURLToPath(new URL(`server-child${extname(import.meta.url)}`, import.meta.url))
  const runtime = process.versions['deno'] === undefined ? [] : ['run', '--allow-all', '--quiet']
  // stdin is never written to: its end tells the child that this process has ended.
  const child = spawn(process.execPath, [...runtime, program, ...args], {
    stdio: ['pipe', 'ignore', 'pipe'],
    // The engine looks for unknown tables as files of its working folder, by a pattern: a folder may be called `what?`.
    cwd: '/',
    env: { ...childEnvironment(), TZ: 'UTC' },
  })
  for (const handle of [child, child.stdin, child.stderr] as (ChildProcess | Socket)[]) handle.unref()
  return child
}

/** What the runtime and the engine need to start. Secrets of this process's environment stay here: SQL could read them. */
function childEnvironment(): NodeJS.ProcessEnv {
  const needed =
    /^(PATH|HOME|TMPDIR|TEMP|TMP|LANG|LC_\w+|LD_LIBRARY_PATH|DYLD_\w+|DENO_DIR|NODE_COMPILE_CACHE)$/
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => needed.test(name)))
}

function collectErrors(child: ChildProcess): () => string {
  let text = ''
  child.stderr?.setEncoding('utf8').on('data', (piece: string) => void (text = (text + piece).slice(-8192)))
  return () => text
}

/** A failed start ends in a crash of the engine that may take four seconds; its last words come before. */
const LAST_WORDS = /(?:^|\. )(Code: .*?)(?:, Stack trace|\n)/m

/** When our user can log in: it runs with our users, not with the engine's open default. Undefined if it ended before, or took too long. */
async function firstAnswer(
  child: ChildProcess,
  { portFile, password, said }: { portFile: string; password: string; said: () => string },
): Promise<string | undefined> {
  const headers = { 'X-ClickHouse-User': EMBEDDED_USER, 'X-ClickHouse-Key': password }
  const deadline = performance.now() + START_TIMEOUT_MS
  while (isRunning(child) && !LAST_WORDS.test(said()) && performance.now() < deadline) {
    const port = readPort(portFile)
    if (port !== undefined) {
      const url = `http://127.0.0.1:${port}`
      // Otherwise the query log of the first half second would be missing.
      const request = { method: 'POST', headers, body: 'SYSTEM FLUSH LOGS query_log' }
      const response = await fetch(url, request).catch(() => undefined)
      if (response?.ok) return url
    }
    await sleep(10)
  }
  return undefined
}

function isRunning(child: ChildProcess): boolean {
  return child.pid !== undefined && child.exitCode === null && child.signalCode === null
}

function readPort(portFile: string): string | undefined {
  try {
    return /^(\d+)\n/.exec(readFileSync(portFile, 'utf8'))?.[1]
  } catch {
    return undefined // not written yet
  }
}

function startError(said: string, directory: string): BackfillError {
  const words = LAST_WORDS.exec(said)?.[1] ?? said.replace(/^Logging .*\n/, '').trim()
  if (/^Code: 76\b.*another server instance/i.test(words)) {
    return new BackfillError(`Another process runs the embedded ClickHouse in '${directory}'`, {
      kind: 'locked',
      hint: 'Wait for that process, or stop it',
    })
  }
  const reason = words || `no answer within ${START_TIMEOUT_MS / 1000} s`
  return serverProblem(
    `The embedded ClickHouse in '${directory}' did not start: ${reason}`,
    `See ${join(directory, 'server.log')}`,
  )
}

/** @throws BackfillError 'usage' with the install command if one of its two packages is missing, or with what to correct */
export function findEngineLibrary(): string {
  const load = createRequire(import.meta.url)
  let locate: () => string
  try {
    load('ffi-rs') // small, and only loading shows whether it has a binary for this platform
    locate = (load('chdb/libchdb') as { readonly libchdbPath: () => string }).libchdbPath
  } catch {
    throw notInstalled()
  }
  try {
    return locate()
  } catch {
    const place = process.env['CHDB_LIBCHDB_PATH'] || process.env['CHDB_LIBCHDB_DIR']
    throw place
      ? usageError(
          `The embedded ClickHouse is not at '${place}'`,
          'Correct or unset CHDB_LIBCHDB_PATH and CHDB_LIBCHDB_DIR',
        )
      : notInstalled()
  }
}

function notInstalled(): BackfillError {
  if (isInImage())
    return usageError(
      'The embedded ClickHouse is not in this image',
      'Use a ClickHouse server: set TARGET_CLICKHOUSE_URL. Or build the image with --build-arg EMBEDDED=yes',
    )
  return usageError(
    'The embedded ClickHouse is not installed',
    'npm install chdb ffi-rs (Linux with glibc, or macOS). Only `test` and `demo` need it: for all else set TARGET_CLICKHOUSE_URL to a ClickHouse server',
  )
}
