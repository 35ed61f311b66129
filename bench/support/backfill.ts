// Owns running the program as people do: a process of its own, its time and its memory from outside.
import { execFileSync, spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { uniqueDatabase } from '../../test/support/server.ts'
import { NETWORK } from './chain.ts'
import type { Server } from './server.ts'

/** Databases of a run. */
export type Place = { readonly source: string; readonly target: string; readonly ledger: string }

export type Run = {
  /** From the start of the process to its end. */
  readonly elapsedMs: number
  /** Resident memory, sampled: one value each `sampleMs`. */
  readonly rssBytes: readonly number[]
  /** User and system time at the last sample. */
  readonly cpuMs: number
  readonly output: string
}

export type RunOptions = {
  readonly on: Pick<Server, 'url' | 'username' | 'password'>
  readonly place: Place
  readonly words: readonly string[]
  readonly sampleMs?: number
  /** More of an environment: another source. */
  readonly env?: Readonly<Record<string, string>>
}

/** What is published: users run this, not the TypeScript. */
const MAIN = fileURLToPath(new URL('../../dist/main.js', import.meta.url))

/** Builds what `backfill` below runs. */
export function buildProgram(): void {
  execFileSync(process.execPath, [fileURLToPath(new URL('../../scripts/build.mjs', import.meta.url))])
}

/** New, empty databases for derived tables and ledger beside a source. */
export function newPlace(source: string): Place {
  return { source, target: uniqueDatabase('bench_target'), ledger: uniqueDatabase('bench_ledger') }
}

/** Runs `backfill`. Linux only: memory is read from /proc. @throws Error with what it said, unless it exits with 0 */
export async function backfill({ on, place, words, sampleMs = 100, env = {} }: RunOptions): Promise<Run> {
  const { url, username, password } = on
  const started = performance.now()
  const child = spawn(process.execPath, [MAIN, ...words], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      PATH: process.env['PATH'],
      BACKFILL_NETWORK: NETWORK,
      BACKFILL_LAG: '0',
      TARGET_CLICKHOUSE_URL: url,
      TARGET_CLICKHOUSE_USERNAME: username,
      TARGET_CLICKHOUSE_PASSWORD: password,
      TARGET_CLICKHOUSE_DATABASE: place.target,
      SOURCE_CLICKHOUSE_DATABASE: place.source,
      BACKFILL_LEDGER_DATABASE: place.ledger,
      ...env,
    },
  })
  let output = ''
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => (output += text))
  const rssBytes: number[] = []
  let cpuMs = 0
  const sampler = setInterval(() => {
    rssBytes.push(...residentBytes(child.pid))
    cpuMs = processorMs(child.pid) ?? cpuMs
  }, sampleMs)
  try {
    const code = await new Promise<number | null>((resolve, reject) =>
      child.once('error', reject).once('close', resolve),
    )
    if (code !== 0) throw new Error(`backfill ${words.join(' ')}: exit ${code}\n${output}`)
    return { elapsedMs: performance.now() - started, rssBytes, cpuMs, output }
  } finally {
    clearInterval(sampler)
  }
}

/** The resident memory of a process; nothing where it is gone. */
function residentBytes(pid: number | undefined): readonly number[] {
  try {
    const [, kilobytes] = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? []
    return kilobytes === undefined ? [] : [Number(kilobytes) * 1024]
  } catch {
    return []
  }
}

/** Columns 14 and 15 of /proc/PID/stat, in ticks of 10 ms; nothing where the process is gone. */
function processorMs(pid: number | undefined): number | undefined {
  try {
    const after = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]!.split(' ')
    return (Number(after[11]) + Number(after[12])) * 10
  } catch {
    return undefined
  }
}
