// Owns `npm run torture -- --rounds N --seed S --seconds T [--servers 1|2]`: random rounds until one of the limits; exit 1 where a round
// found a difference. Round n of seed S is round 0 of seed S + n, so `--rounds 1 --seed <printed seed>` replays it.
import { rmSync, mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { killRunners, openGround } from './ground.ts'
import { playRound } from './round.ts'

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '10' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    seconds: { type: 'string', default: '86400' },
    servers: { type: 'string' },
    verbose: { type: 'boolean', default: false },
  },
})
const rounds = Number(values.rounds)
const first = Number(values.seed)
const servers = values.servers === undefined ? undefined : Number(values.servers)
const deadline = performance.now() + Number(values.seconds) * 1000

const directory = mkdtempSync(join(tmpdir(), 'backfill-torture-'))
const ground = await openGround(directory)
const failed: number[] = []
let played = 0
try {
  for (; played < rounds && performance.now() < deadline; played++) {
    const seed = first + played
    const started = performance.now()
    const { story, wrong } = await playRound(ground, seed, servers).catch((error: unknown) => ({
      story: [],
      wrong: [error instanceof Error ? (error.stack ?? error.message) : String(error)],
    }))
    killRunners()
    const seconds = ((performance.now() - started) / 1000).toFixed(0)
    console.log(
      `seed ${seed}  ${wrong.length === 0 ? 'ok' : 'FAILED'}  ${seconds} s${values.verbose ? '' : `  ${story.join('; ')}`}`,
    )
    if (values.verbose || wrong.length > 0) for (const line of story) console.log(`    ${line}`)
    for (const line of wrong) console.log(`  ! ${line}`)
    if (wrong.length > 0) failed.push(seed)
  }
} finally {
  await ground.close()
  rmSync(directory, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 })
}
console.log(
  `${played} rounds, ${failed.length} failed${failed.length === 0 ? '' : `: --rounds 1 --seed ${failed.join(', ')}`}`,
)
process.exitCode = failed.length === 0 ? 0 : 1
