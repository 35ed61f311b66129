// Owns the stage of the captures: a server, terminals of any width, processes that can be killed, and the page.
import headless from '@xterm/headless'
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { runCli } from '../../src/cli/run-cli.ts'
import { startEmbedded } from '../../src/embedded/embedded-server.ts'
import { rowsOf } from '../../test/support/server.ts'

const MAIN = fileURLToPath(new URL('../../src/main.ts', import.meta.url))
export const SQL = fileURLToPath(new URL('../../sql', import.meta.url))
export const TABLES = 'address_diffs,address_last_access,block_slots_stat'
export const BLOCKS = 3_000
/** For what must happen soon; a busy machine may take its time. */
const PATIENCE_MS = 180_000

export const atEnd: (() => unknown)[] = []
export const onEnd = (work: () => unknown) => void atEnd.push(work)
export const folder = mkdtempSync(join(tmpdir(), 'backfill-captures-'))
export const server = await startEmbedded({ directory: join(folder, 'server'), isAdmin: true })
export const page: string[] = []
export const say = (...lines: readonly string[]) => page.push(...lines, '')
export const block = (text: string) => say('```', shown(text).trimEnd(), '```')

/** The server has another port each time, and a password that nobody has to see. */
const shown = (said: string) =>
  said
    .replaceAll(/http:\/\/127\.0\.0\.1\s*:\s*\d+/g, 'http://localhost:8123')
    .replaceAll(server.password, '…')

const env: Record<string, string> = {
  PATH: process.env['PATH'] ?? '',
  HOME: folder,
  NO_COLOR: '1',
  TERM: 'xterm',
  TARGET_CLICKHOUSE_URL: server.url,
  TARGET_CLICKHOUSE_USERNAME: server.username,
  TARGET_CLICKHOUSE_PASSWORD: server.password,
  SOURCE_CLICKHOUSE_DATABASE: 'xatu',
  BACKFILL_LAG: '0',
}

export const sql = (statement: string) => rowsOf(server, statement)

/** A terminal of so many columns; each frame is what stands on its screen when it is drawn anew. */
function terminal(columns: number) {
  const screen = new headless.Terminal({ cols: columns, rows: 60, scrollback: 0, allowProposedApi: true })
  const frames: string[] = []
  const look = () => {
    const { active } = screen.buffer
    const lines = Array.from({ length: 60 }, (_, at) => active.getLine(at)?.translateToString(true) ?? '')
    const text = lines.join('\n').trimEnd()
    if (text !== frames.at(-1)) frames.push(text)
  }
  const write = (text: string, done?: unknown) => {
    screen.write(text.replaceAll('\n', '\r\n'), look)
    if (typeof done === 'function') done()
    return true
  }
  const stream = {
    isTTY: true,
    columns,
    rows: 60,
    write,
    on: () => stream,
    once: () => stream,
    off: () => stream,
  }
  const ended = () => new Promise<void>((drawn) => screen.write('', drawn))
  return { stream: stream as unknown as NodeJS.WriteStream, frames, ended }
}

type Typed = {
  readonly columns?: number
  readonly code?: number
  /** More environment. */
  readonly more?: Readonly<Record<string, string>>
}

/** `backfill <words>` in a terminal. @throws Error if it ends with another code */
export async function backfill(words: string, { columns = 110, code = 0, more = {} }: Typed = {}) {
  const { stream, frames, ended } = terminal(columns)
  const typed = words.split(' ')
  const ends = await runCli(typed, {
    stdout: stream,
    stderr: stream,
    env: { ...env, ...more },
    cwd: () => folder,
  })
  await ended()
  const text = frames.at(-1) ?? ''
  if (ends !== code) throw new Error(`backfill ${words} ended with ${ends}, not with ${code}:\n${text}`)
  return { text, frames }
}

export async function capture(words: string, options: Typed = {}): Promise<string> {
  const { text } = await backfill(words, options)
  block(`$ backfill ${words}\n${text}`)
  return text
}

/** `backfill <words>` as a process that can be killed. */
export function start(words: string): ChildProcess {
  return spawn(process.execPath, [MAIN, ...words.split(' ')], { cwd: folder, env, stdio: 'ignore' })
}

export async function until(what: string, holds: () => Promise<boolean>): Promise<void> {
  for (const endsAt = Date.now() + PATIENCE_MS; Date.now() < endsAt; await sleep(100))
    if (await holds()) return
  throw new Error(`not so after ${PATIENCE_MS / 1000} s: ${what}`)
}

export const chunksDone = async () => {
  const rows = await sql("SELECT toUInt32(count()) AS n FROM backfill.ledger WHERE event = 'done'").catch(
    () => [],
  )
  return (rows[0] as { n: number } | undefined)?.n ?? 0
}
