// Owns `npm run torture -- --rounds N --seed S --seconds T [--servers 1|2] [--act NAME] [--acts world [--blind]] [--folder test/models]`: random
// rounds until one of the limits; exit 1 where a round found a difference. Round n of seed S is round 0 of seed S + n, so
// `--rounds 1 --seed <printed seed>` replays it. `--acts world` changes tables under the program instead of disturbing its
// runs (world-round.ts); `--cluster` disturbs the nodes of a cluster and Keeper (cluster-round.ts); `--folder` runs
// tables of all kinds (model-round.ts); with `--blind` stale ranges and absences count for nothing, and each act must show a difference.
import { rmSync, mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { type Ground, killRunners, openGround } from './ground.ts'
import { MISSING_CLUSTER } from '../support/real-cluster.ts'
import { openCluster, playCluster } from './cluster-round.ts'
import { playModels } from './model-round.ts'
import { playRound, type Verdict } from './round.ts'
import { playWorld, WORLD_ACTS } from './world-round.ts'

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '10' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    seconds: { type: 'string', default: '86400' },
    servers: { type: 'string' },
    act: { type: 'string' },
    acts: { type: 'string', default: 'runs' },
    blind: { type: 'boolean', default: false },
    cluster: { type: 'boolean', default: false },
    folder: { type: 'string' },
    verbose: { type: 'boolean', default: false },
  },
})
if (!['runs', 'world'].includes(values.acts)) throw new Error(`--acts ${values.acts}: runs or world`)
const isWorld = values.acts === 'world'
if (![undefined, 'test/models'].includes(values.folder))
  throw new Error(`--folder ${values.folder}: test/models`)
const first = Number(values.seed)
const servers = values.servers === undefined ? undefined : Number(values.servers)
const deadline = performance.now() + Number(values.seconds) * 1000

const tally = new Map(WORLD_ACTS.map((act) => [act, { played: 0, seen: 0 }]))
async function worldRound(ground: Ground, seed: number): Promise<Verdict> {
  const { played, ...verdict } = await playWorld(ground, seed, values.blind)
  for (const { act, isSeen } of played) {
    tally.get(act)!.played++
    if (isSeen) tally.get(act)!.seen++
  }
  return verdict
}

const directory = mkdtempSync(join(tmpdir(), 'backfill-torture-'))
if (values.cluster && MISSING_CLUSTER) console.log(MISSING_CLUSTER)
const rounds = values.cluster && MISSING_CLUSTER ? 0 : Number(values.rounds)
const cluster = values.cluster && rounds > 0 ? await openCluster() : undefined
const ground = values.cluster ? undefined : await openGround(directory)
const failed: number[] = []
let [played, differences] = [0, 0]
try {
  for (; played < rounds && performance.now() < deadline; played++) {
    const seed = first + played
    const started = performance.now()
    const round = cluster
      ? playCluster(cluster, seed)
      : isWorld
        ? worldRound(ground!, seed)
        : values.folder !== undefined
          ? playModels(ground!, seed)
          : playRound(ground!, seed, { servers, act: values.act })
    const { story, wrong } = await round.catch((error: unknown) => ({
      story: [],
      wrong: [error instanceof Error ? (error.stack ?? error.message) : String(error)],
    }))
    killRunners()
    const seconds = ((performance.now() - started) / 1000).toFixed(0)
    console.log(
      `seed ${seed}  ${wrong.length === 0 ? 'ok' : 'FAILED'}  ${seconds} s${values.verbose || isWorld ? '' : `  ${story.join('; ')}`}`,
    )
    if (values.verbose || wrong.length > 0) for (const line of story) console.log(`    ${line}`)
    for (const line of wrong) console.log(`  ! ${line}`)
    if (wrong.length > 0) failed.push(seed)
    differences += wrong.length
  }
} finally {
  await Promise.all([ground?.close(), cluster?.stop()])
  rmSync(directory, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 })
}
console.log(
  `${played} rounds, ${failed.length} failed${failed.length === 0 ? '' : `: --rounds 1 --seed ${failed.join(', ')}`}`,
)
if (isWorld) {
  const counts = [...tally].map(
    ([act, { played: times, seen }]) => `${act} ${times}${values.blind ? ` (${seen} differed)` : ''}`,
  )
  console.log(`acts played: ${counts.join(', ')}`)
  console.log(
    values.blind
      ? 'blind: stale ranges and absences count for nothing'
      : `${differences} differences unannounced`,
  )
}
const isIdle = isWorld && values.blind && [...tally.values()].some(({ seen }) => seen === 0)
process.exitCode = failed.length === 0 && !isIdle ? 0 : 1
