// Owns the two streams: results on stdout, all messages on stderr.
import { type Readable, Transform } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { StringDecoder } from 'node:string_decoder'
import { wallClock } from '../seam/clock.ts'
import { type Flags, oneOf, readFlag } from '../workspace/values.ts'
import { mask } from '../workspace/mask.ts'
import { toolVersion } from '../package-folder.ts'
import { escapeControlCharacters, markedColors, printable, printableJson } from './render/printable.ts'
import type { Colors } from './render/format.ts'
import { jsonOf, SCHEMA } from './render/json.ts'

export type Output = ReturnType<typeof createOutput>

/** What a text of many lines needs to know of where it is printed. `carry` adds the flags that were typed to its commands. */
export type Style = Pick<Output, 'columns' | 'carry'> & { readonly colors: Colors }

export type Subject = { readonly command: string | null; readonly network: string | null }

/** @throws BackfillError `usage` for a bad --log-format */
export function createOutput(
  terminal: Terminal,
  flags: Flags,
  secrets: readonly string[],
  { command, network }: Subject = { command: null, network: null },
  carry = (text: string): string => text,
) {
  const asJson = readFlag(flags, 'log-format', oneOf(['text', 'json'])) === 'json'
  const isPlain = asJson || flags.has('no-color')
  const colors = (stream: NodeJS.WriteStream): Colors =>
    markedColors(wantsColors(terminal.env, isPlain, stream.isTTY))
  const { stdout, stderr } = terminal
  const isLive = !asJson && stderr.isTTY && stderr.columns >= 40 && terminal.env['TERM'] !== 'dumb'
  const hide = (text: string) => mask(text, secrets)
  const shown = (line: string) => printable(hide(carry(line)))
  const printed = (text: string, level: Level, hasTime: boolean) => {
    const time = wallClock().toISOString()
    if (asJson) return printableJson(JSON.stringify({ time, level, message: hide(carry(text)) }))
    return hasTime && !isLive ? `${time.slice(0, 19)}Z ${shown(text)}` : shown(text)
  }
  const printer =
    (stream: NodeJS.WriteStream, hasTime: boolean) =>
    (lines: readonly string[], level: Level = 'info') =>
      write(
        stream,
        lines.map((line) => printed(line, level, hasTime)),
      )
  /** Data as one line of JSON (render/json.ts) in the envelope that all documents have, passwords in its texts masked. */
  const document = (data: object): string => {
    const envelope = {
      schema: SCHEMA,
      command,
      generatedAt: wallClock(),
      network,
      toolVersion: toolVersion(),
    }
    const text = JSON.stringify(jsonOf({ ...envelope, ...data }), (key, value: unknown) =>
      typeof value === 'string' && isText(value) ? hide(key === 'hint' ? carry(value) : value) : value,
    )
    return printableJson(text)
  }
  return {
    carry,
    result: (lines: readonly string[]) => write(stdout, lines.map(carry).map(printable)),
    /** Prints a result: its fields with --json, else its lines. */
    answer: (fields: object, lines: readonly string[]) =>
      write(stdout, flags.has('json') ? [document(fields)] : lines.map(carry).map(printable)),
    /** As `result`, for lines with texts of others: no command in them is a hint. */
    data: (lines: readonly string[]) => write(stdout, lines.map(printable)),
    clear: () => void (stdout.isTTY && stdout.write('\u001b[2J\u001b[H')),
    json: (data: object) => write(stdout, [document(data)]),
    document,
    page: (text: string) => write(stdout, [text]),
    /** Passes on the bytes of a result, unchanged unless stdout is a terminal. */
    stream: (bytes: Readable) => passOn(bytes, stdout),
    /** Prints messages, passwords masked, because they may contain text of a server or a client. */
    message: printer(stderr, false),
    log: printer(stderr, true),
    /** As `log`, for the result of a run: on stdout. */
    logResult: printer(stdout, true),
    shown,
    mask: hide,
    resultColors: colors(stdout),
    messageColors: colors(stderr),
    /** Columns of stdout's terminal; Infinity for a file or a pipe. */
    columns: stdout.isTTY && stdout.columns > 0 ? stdout.columns : Infinity,
    /** Undefined if stderr is no terminal, or too narrow: one without a size reports 0 columns. */
    live: isLive ? stderr : undefined,
  }
}

/** A name has no blank, and stays although the password is the same word. */
const isText = (value: string): boolean => /\s|:\/\//.test(value)

export type Level = 'info' | 'warning' | 'error'

function write(stream: NodeJS.WriteStream, lines: readonly string[]): void {
  if (lines.length > 0) stream.write(`${lines.join('\n')}\n`)
}

/**
 * Resolves when everything is written, or when nothing more can be written (`| head -1`). In a terminal, control characters are
 * escaped. Rejects with the error of `bytes`.
 */
export async function passOn(bytes: Readable, stdout: NodeJS.WriteStream): Promise<void> {
  try {
    if (stdout.isTTY) await pipeline(bytes, shownToPeople(), stdout, { end: false })
    else await pipeline(bytes, stdout, { end: false })
  } catch (error) {
    // What cannot be written is dealt with in lost-output.ts.
    if ((error as NodeJS.ErrnoException).syscall !== 'write') throw error
  }
}

function shownToPeople(): Transform {
  const decoder = new StringDecoder('utf8')
  return new Transform({
    transform: (piece: Buffer, _encoding, done) => done(null, escapeControlCharacters(decoder.write(piece))),
    flush: (done) => done(null, escapeControlCharacters(decoder.end())),
  })
}

/** --no-color and NO_COLOR beat FORCE_COLOR, which beats the terminal (no-color.org, force-color.org). */
export function wantsColors(env: Terminal['env'], off: boolean, isTTY: boolean | undefined): boolean {
  if (off || (env['NO_COLOR'] ?? '') !== '') return false
  const forced = env['FORCE_COLOR'] ?? ''
  if (forced !== '') return forced !== '0' && forced !== 'false'
  return isTTY === true && env['TERM'] !== 'dumb'
}

export type Terminal = {
  readonly stdout: NodeJS.WriteStream
  readonly stderr: NodeJS.WriteStream
  readonly env: Readonly<Record<string, string | undefined>>
  cwd(): string
}
