// Owns `npm run fuzz -- --seconds S --seed N`: broken inputs for everything that is parsed. Exit 1 where one is not refused in
// a sentence, takes more than two seconds of the processor, or makes a message that a terminal would obey. The same seed, the same inputs.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import type { Readable } from 'node:stream'
import { parseArgs } from 'node:util'

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '30' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
  },
})
const { seconds, seed } = values

type Found = {
  names: string[]
  counts: number[]
  milliseconds: number[]
  uncaught: number
  slow: number
  control: number
  notes: string[]
}

/** The child says itself what takes more than two seconds of its processor; what takes this long never ends. */
const HANG_MS = 60_000
console.log(`seed ${seed}, ${seconds} s`)
const child = spawn(process.execPath, [join(import.meta.dirname, 'child.ts'), seconds, seed], {
  stdio: ['ignore', 'pipe', 'inherit', 'pipe'],
})
/** The input that the child parses, and since when; none before the first. */
let beat: { readonly input: string; readonly at: number } | undefined
let hang: string | undefined
const pipe = child.stdio[3] as Readable
pipe.on('data', (lines: Buffer) => {
  beat = { input: String(lines).trimEnd().split('\n').at(-1)!, at: performance.now() }
})
pipe.once('end', () => (beat = undefined))
const watch = setInterval(() => {
  if (beat === undefined || performance.now() - beat.at < HANG_MS) return
  hang = beat.input
  child.kill('SIGKILL')
}, 100)
const [said] = await Promise.all([text(child.stdout!), once(child, 'close')])
clearInterval(watch)
if (hang !== undefined || said === '') {
  console.log(
    hang === undefined
      ? `it ended at ${beat?.input ?? 'no input'}`
      : `1 hang over ${HANG_MS / 1000} s: ${hang}`,
  )
  process.exitCode = 1
} else {
  const { names, counts, milliseconds, uncaught, slow, control, notes } = JSON.parse(said) as Found
  for (const [index, name] of names.entries())
    console.log(`${name}: ${counts[index]} inputs, ${Math.round(milliseconds[index]! / 1000)} s`)
  for (const line of notes) console.log(`  ! ${line}`)
  console.log(`${uncaught} uncaught, ${slow} hangs over 2 s, ${control} control bytes`)
  if (uncaught + slow + control > 0) process.exitCode = 1
}
