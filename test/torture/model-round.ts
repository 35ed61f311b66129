// Owns one round over test/models, tables of all kinds: `up`, `redo` and `rebuild` that are killed, cut or held, a recovery,
// the comparison of every table with its statement by hand.
import { rmSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { readCatalogue } from '../../src/project/sql-folder.ts'
import { expectedRanges, unlikeByHand } from '../models/by-hand.ts'
import { addSlots, createSources, FIRST, modelFolder } from '../models/chain.ts'
import type { Held } from '../support/proxy.ts'
import { mulberry32 } from '../support/random.ts'
import { deletion, intoTarget, ledgerEvent } from '../support/requests.ts'
import { openTestWorkspace } from '../support/workspace.ts'
import { dropAll, type Ground, type Runner, startRunner } from './ground.ts'
import { holdOne } from './hold.ts'
import type { Verdict } from './round.ts'

/** Seconds of a slot, and slots of an epoch. */
const [SLOT, EPOCH] = [12, 32]

/** Most attempts to recover: a late request may fail one. */
const MAX_TRIES = 6

export async function playModels(ground: Ground, seed: number): Promise<Verdict> {
  const random = mulberry32(seed)
  const pick = <T>(items: readonly T[]): T => items[Math.floor(random() * items.length)]!
  const between = (low: number, high: number): number => low + Math.floor(random() * (high - low + 1))
  const story: string[] = []
  const databases = { source: `source_${seed}`, target: `target_${seed}`, ledger: `ledger_${seed}` }
  await dropAll(ground, [databases])
  const folder = modelFolder()
  const read = await readCatalogue(folder)
  // What looks up a derived table is not watched: what a round computed before that one was whole stays as it is.
  const isDerived = (name: string) => read.tables.some(({ key }) => key === name)
  const tables = read.tables.filter(({ lookups = [] }) => !lookups.some(isDerived))
  const catalogue = { ...read, tables }
  await createSources(ground.server(), catalogue, databases.source)
  // Whole epochs: a look-up that changes makes nothing stale (docs/reference/sql-files.md, Header).
  let slots = EPOCH * between(4, 12)
  await addSlots(ground.server(), databases.source, { from: 0, to: slots - 1 })

  const common = ['--sql', folder, '--lag', '0', '--give-up', '30']
  const size = ['--chunk', `${between(40, 200)},${between(7, 60)}m`, '--jobs', String(between(1, 4))]
  const up = ['up', '--quiet', '--order', pick(['oldest', 'newest']), '--table-jobs', String(between(1, 3))]
  const fixed = catalogue.tables.filter(({ rows }) => rows.kind === 'per-block')
  const commands = (): readonly string[] => {
    const table = pick(fixed)
    const at = between(0, slots - 20)
    const ends = table.unit === 'second' ? [FIRST + at * SLOT, FIRST + (at + 15) * SLOT] : [at, at + 15]
    const [from, to] = ends.map((end) => (table.unit === 'second' ? timeOf(end) : String(end)))
    return pick([
      [...up, ...size],
      [...up, ...size],
      ['redo', table.key, '--from', from!, '--to', to!, '--cascade', '--yes', ...size],
      ['rebuild', table.key, '--yes', ...size],
    ])
  }
  story.push(`${slots} slots, ${up.slice(2).join(' ')} ${size.join(' ')}`)

  const login = () => ({ ...ground.server(), url: ground.proxy.url })
  const runners: Runner[] = []
  const held: Held[] = []
  const run = (words: readonly string[]): Runner => {
    const runner = startRunner({ words: [...words, ...common], login: login(), source: undefined, databases })
    runners.push(runner)
    return runner
  }
  const hold = (): Held => {
    const wanted = { writes: WRITES, points: ['request', 'answer', 'body'], most: 9 } as const
    const one = holdOne(ground.proxy, wanted, { pick, between })
    story.push(one.told)
    held.push(one.held)
    return one.held
  }
  const acts: Readonly<Record<string, (runner: Runner) => Promise<void> | void>> = {
    kill: ({ child }) => void child.kill('SIGKILL'),
    'hold a request, kill': async ({ child, ended }) => {
      await Promise.race([hold().arrived, ended, sleep(5_000)])
      child.kill('SIGKILL')
    },
    'hold a request, cut': async ({ ended }) => {
      await Promise.race([hold().cut(), ended, sleep(5_000)])
    },
    'kill the server': () => ground.killServer(between(0, 1_000)),
    cut: () => ground.proxy.cut(),
    interrupt: ({ child }) => void child.kill('SIGINT'),
    'second runner': () => void run(commands()),
    'more slots': async () => {
      const more = EPOCH * between(1, 2)
      await addSlots(ground.server(), databases.source, { from: slots, to: slots + more - 1 })
      slots += more
    },
  }
  run([...up, ...size])
  for (let left = between(3, 6); left > 0; left--) {
    await sleep(between(100, 3_000))
    const name = pick(Object.keys(acts))
    story.push(name)
    await acts[name]!(runners.at(-1)!)
    if (runners.every(({ child }) => child.exitCode !== null || child.killed)) {
      const words = commands()
      story.push(words.slice(0, 6).join(' '))
      run(words)
    }
  }
  for (const { child, ended } of runners)
    await Promise.race([ended, sleep(8_000).then(() => child.kill('SIGKILL'))])
  await Promise.all(runners.map(({ ended }) => ended))

  let said = ''
  for (let tries = 0; tries < MAX_TRIES; tries++) {
    const codes: (number | null)[] = []
    for (const words of [up, ['redo', '--stale', '--yes'], ['up', '--quiet']]) {
      const last = startRunner({
        words: [...words, ...common],
        login: ground.server(),
        source: undefined,
        databases,
      })
      const ended = await last.ended
      codes.push(ended.code)
      said = ended.code === 0 ? said : ended.said
    }
    if (codes.every((code) => code === 0)) break
    if (tries === MAX_TRIES - 1)
      return { story, wrong: [`the recovery ends with ${codes.join(', ')}: ${said}`] }
  }
  await Promise.race([Promise.all(held.map((one) => one.release())), sleep(3_000)])
  const opened = await openTestWorkspace({ ...databases, server: ground.server(), catalogue })
  const { ranges, open } = await expectedRanges(opened)
  await opened.close()
  const place = { ...databases, expected: ranges }
  const wrong = [...open, ...(await unlikeByHand(ground.server(), catalogue, place))]
  if (wrong.length === 0) await dropAll(ground, [databases])
  rmSync(folder, { recursive: true })
  return { story, wrong }
}

function timeOf(seconds: number): string {
  return new Date(seconds * 1000).toISOString().slice(0, 19)
}

const WRITES = {
  'an INSERT': intoTarget(),
  'a done': ledgerEvent('done'),
  'a DELETE': deletion,
}
