// Owns `npm run simulate -- --minutes M [--seed S]`: histories for so long, on two cores, each from a seed of its own, S and
// those that follow (a fresh S by default; `--first` ends with the first failure). A history that fails is printed shrunk; `--seed S --only` plays one seed again
// and prints all that was sent. The exit code is 1 if one failed.
import { availableParallelism } from 'node:os'
import { parseArgs } from 'node:util'
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads'
import { historyOf } from './draws.ts'
import { play } from './play.ts'
import { shrink, tell } from './shrink.ts'

type Report = {
  readonly histories: number
  readonly counts: ReadonlyMap<string, number>
  readonly failure?: string
}

/** `once`: it ends with its first failure, which is not shrunk. */
type Share = {
  readonly first: number
  readonly step: number
  readonly endsAt: number
  readonly once: boolean
}

const EVERY_MS = 1_000
/** A history takes some 20 ms, and shrinking one that fails some seconds. */
const LAST_MS = 120_000

if (isMainThread) process.exitCode = await main()
else await work(workerData as Share)

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      minutes: { type: 'string', default: '1' },
      seed: { type: 'string' },
      only: { type: 'boolean' },
      first: { type: 'boolean' },
    },
  })
  const minutes = Number(values.minutes)
  const seed = values.seed === undefined ? Math.floor(Math.random() * 2 ** 31) : Number(values.seed)
  if (!(minutes > 0) || !Number.isSafeInteger(seed)) {
    console.error('--minutes wants a number above 0, --seed an integer')
    return 2
  }
  if (values.only === true) {
    const { broken, trace } = await play(historyOf(seed))
    console.log(
      [tell(historyOf(seed)), ...trace, ...broken.map((sentence) => `BROKEN: ${sentence}`)].join('\n'),
    )
    return broken.length === 0 ? 0 : 1
  }
  const step = Math.min(2, availableParallelism())
  console.log(`simulating for ${minutes} min from seed ${seed}`)
  const began = performance.now()
  const endsAt = Date.now() + minutes * 60_000
  const once = values.first === true
  const counts = new Map<string, number>()
  let histories = 0
  let failures = 0
  const workers: Worker[] = []
  const shares = Array.from({ length: step }, (_, index) => {
    const worker = new Worker(new URL(import.meta.url), {
      workerData: { first: seed + index, step, endsAt, once } satisfies Share,
      // A history leaves nothing behind: most of it is gone before it is moved.
      resourceLimits: { maxYoungGenerationSizeMb: 128 },
    })
    workers.push(worker)
    worker.on('message', (report: Report) => {
      histories += report.histories
      for (const [what, times] of report.counts) counts.set(what, (counts.get(what) ?? 0) + times)
      if (report.failure === undefined) return
      failures++
      console.log(report.failure)
      if (once) for (const other of workers) void other.terminate()
    })
    return new Promise<number>((resolve) => {
      worker.on('error', (error) => (console.error(error), resolve(1)))
      worker.on('exit', resolve)
    })
  })
  const late = setTimeout(
    () => {
      console.error(`a history has not ended ${LAST_MS / 1000} s after the time was up`)
      for (const worker of workers) void worker.terminate()
    },
    endsAt + LAST_MS - Date.now(),
  )
  const codes = await Promise.all(shares)
  clearTimeout(late)
  const passed = (performance.now() - began) / 60_000
  for (const [what, times] of [...counts].toSorted(([one], [other]) => (one < other ? -1 : 1)))
    console.log(`${String(times).padStart(9)} ${what}`)
  console.log(
    `${histories} histories in ${passed.toFixed(1)} min (${Math.round(histories / passed)} a minute), ${failures} failed; seeds from ${seed}`,
  )
  return failures > 0 || codes.some((code) => code !== 0) || histories === 0 ? 1 : 0
}

async function work({ first, step, endsAt, once }: Share): Promise<void> {
  // Errors are many, and where they come from is read only when a seed is played again.
  Error.stackTraceLimit = 0
  let counts = new Map<string, number>()
  let histories = 0
  let saidAt = performance.now()
  const tellMain = (failure?: string) => {
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- that is for windows
    parentPort!.postMessage({ histories, counts, ...(failure !== undefined && { failure }) } satisfies Report)
    ;[counts, histories, saidAt] = [new Map(), 0, performance.now()]
  }
  for (let seed = first; Date.now() < endsAt; seed += step) {
    const history = historyOf(seed)
    const played = await play(history)
    histories++
    for (const [what, times] of played.counts) counts.set(what, (counts.get(what) ?? 0) + times)
    if (played.broken.length > 0) {
      // Shrinking takes a while, and may be cut off.
      if (!once) console.log(`seed ${seed} failed: ${played.broken[0]}`)
      const small = once ? history : await shrink(history, played.broken)
      const { broken, trace } = await play(small)
      tellMain(
        [
          `seed ${seed} failed, shrunk:`,
          tell(small),
          ...trace,
          ...broken.map((one) => `BROKEN: ${one}`),
          '',
        ].join('\n'),
      )
    } else if (performance.now() - saidAt > EVERY_MS) tellMain()
  }
  tellMain()
}
