// Owns the work of the fuzz, in a process that may hang: it breaks sound inputs by a seed, parses them, and looks at what would be printed.
import { writeSync } from 'node:fs'
import { BackfillError } from '../../src/model/errors.ts'
import { createOutput } from '../../src/terminal/output.ts'
import { errorLines } from '../../src/terminal/render/error.ts'
import { PARSERS } from './parsers.ts'

const [seconds, seed] = process.argv.slice(2, 4).map(Number) as [number, number]
/** `node test/fuzz/child.ts S N '.env 71'` shows that input and ends. */
const wanted = process.argv[4]
/** The pipe to the parent. */
const PARENT = 3

/** mulberry32: the same numbers for the same seed. */
function randomFrom(state: number): (below: number) => number {
  return (below) => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below
  }
}

const ODD = [
  '\0', '\x1b[2J', '\r', '\n', '\u202e', '\u0085', '\u2028', '\ufeff', '\ud800', '\u{10ffff}', "'", '"', '`', '\\', '--', '--! ',
  '/*', '*/', '(', ')', '[', '{', '}', ',', ';', ':', '=', '#', '&a ', '*a ', '- ', '? ', '$$', '::error::', '##[x]', '999999999999999999999',
  '-1', '%', 'NaN', ' FROM x(1)', ', x -> y', ', dialect=1', '__proto__', 'constructor', ' ', '\t', 'é', '0x',
] // prettier-ignore

/** One to eight changes; now and then a piece that repeats ten thousand times, which shows what takes quadratic time. */
function broken(sound: string, random: (below: number) => number): string {
  let text = sound.slice(0, 20_000)
  for (let left = 1 + random(8); left > 0; left--) {
    const at = random(text.length + 1)
    const end = at + random(Math.min(200, text.length - at + 1))
    const odd = ODD[random(ODD.length)]!
    const piece = random(2) === 0 ? odd : text.slice(at, end)
    const put = [
      odd,
      piece + piece,
      '',
      String.fromCharCode(random(65_536)),
      text.slice(random(text.length + 1)).slice(0, 300),
    ][random(5)]!
    text = text.slice(0, at) + put + text.slice(random(3) === 0 ? end : at)
    if (random(1000) === 0) text = text.slice(0, at) + piece.slice(0, 12).repeat(10_000) + text.slice(at)
  }
  return text
}

let printed = ''
const stream = {
  isTTY: false,
  write: (text: string) => ((printed += text), true),
} as unknown as NodeJS.WriteStream
const output = createOutput({ stdout: stream, stderr: stream, env: {}, cwd: () => '/' }, new Map(), [])

/** What a terminal would obey (tabs are printed), or a CI log take for a command. */
// oxlint-disable-next-line no-control-regex
const OBEYED = /[\0-\b\v-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]|^\s*::/m

const found = {
  counts: PARSERS.map(() => 0),
  milliseconds: PARSERS.map(() => 0),
  uncaught: 0,
  slow: 0,
  control: 0,
  notes: [] as string[],
}
/** Time of this process's processor: other processes of the machine do not count. */
const worked = () => {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1000
}
const HANG_MS = 2_000
const note = (at: number, what: string) => {
  if (found.notes.length < 20)
    found.notes.push(`${PARSERS[at]!.name} ${found.counts[at]} of seed ${seed}: ${what}`)
}
const deadline = performance.now() + seconds * 1000
const randoms = PARSERS.map((_, index) => randomFrom(seed * 31 + index))

for (let round = 0; performance.now() < deadline; round++) {
  const at = round % PARSERS.length
  const { sound, parse } = PARSERS[at]!
  const random = randoms[at]!
  const input = broken(sound[random(sound.length)]!, random)
  found.counts[at]!++
  const name = `${PARSERS[at]!.name} ${found.counts[at]}`
  if (wanted === undefined) writeSync(PARENT, `${name}\n`)
  else if (wanted !== name) continue
  else {
    console.log(JSON.stringify(input))
    break
  }
  let thrown: unknown
  const since = worked()
  try {
    parse(input)
  } catch (error) {
    thrown = error
  }
  const took = worked() - since
  found.milliseconds[at]! += took
  if (took > HANG_MS) {
    found.slow++
    note(at, `${Math.round(took)} ms`)
  }
  if (thrown instanceof BackfillError) {
    printed = ''
    output.message(errorLines(thrown, { colors: output.messageColors, stack: false }))
    if (!OBEYED.test(printed)) continue
    found.control++
    note(at, `control bytes in ${JSON.stringify(printed).slice(0, 300)}`)
  } else if (thrown !== undefined) {
    found.uncaught++
    note(
      at,
      `uncaught ${thrown instanceof Error ? (thrown.stack ?? '').split('\n').slice(0, 4).join(' | ') : typeof thrown}`,
    )
  }
}
console.log(JSON.stringify({ ...found, names: PARSERS.map(({ name }) => name) }))
