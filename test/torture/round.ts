// Owns one round: runs that are disturbed in random ways, a recovery by a plain `up`, the comparison with a clean run.
import { setTimeout as sleep } from 'node:timers/promises'
import { readCatalogue } from '../../src/project/sql-folder.ts'
import { COMPRESSIONS } from '../../src/model/model.ts'
import { audit } from '../support/audit.ts'
import type { Held, Seen } from '../support/proxy.ts'
import { mulberry32 } from '../support/random.ts'
import { deletion, intoTarget, ledgerEvent } from '../support/requests.ts'
import { post } from '../support/server.ts'
import { addBlocks, createSourceTables } from '../support/small-chain.ts'
import { openTestWorkspace } from '../support/workspace.ts'
import { dropAll, type Ground, type Runner, startRunner } from './ground.ts'
import { holdOne } from './hold.ts'
import { inStream } from './in-stream.ts'
import { rewriteSources } from './rewrite-sources.ts'
import { tortureFolder } from './sql.ts'

export type Verdict = { readonly story: readonly string[]; readonly wrong: readonly string[] }

const TABLES = [
  'block_slots_stat',
  'address_reads',
  'address_last_access',
  'address_storage_slot_first_access',
  'address_diffs,pre_6780_accounts_destructs,post_6780_accounts_destructs,accounts_alive',
]

/** The server behind its line. */
const through = (side: Pick<Ground, 'server' | 'line'>) => ({ ...side.server(), url: side.line.url })

export type RoundOptions = {
  /** 1, 2, or either by the seed. */
  readonly servers?: number | undefined
  /** The only thing that is done to runners; any by chance where it is not possible in a round, or not given. */
  readonly act?: string | undefined
}

export async function playRound(
  ground: Ground,
  seed: number,
  { servers, act }: RoundOptions = {},
): Promise<Verdict> {
  const random = mulberry32(seed)
  // From another sequence, so that a seed's other choices do not depend on it.
  const isApart = servers === undefined ? mulberry32(seed ^ 0x5eed)() < 0.5 : servers === 2
  const source = () => (isApart ? ground.source.server() : ground.server())
  const pick = <T>(items: readonly T[]): T => items[Math.floor(random() * items.length)]!
  const between = (low: number, high: number): number => low + Math.floor(random() * (high - low + 1))
  const story: string[] = []

  const databases = { source: `source_${seed}`, target: `target_${seed}`, ledger: `ledger_${seed}` }
  const clean = { ...databases, target: `clean_${seed}`, ledger: `clean_ledger_${seed}` }
  const query = (statement: string) => post(ground.server(), statement, { ...databases })
  await dropAll(ground, [databases, clean])

  const [hungry, slow] = [random() < 0.3, random() < 0.5]
  // Streams are slow for their length.
  const folder = tortureFolder(isApart ? { hungry: false, slow: false } : { hungry, slow })
  const catalogue = await readCatalogue(folder.path)
  const blocks = between(12, 36) * (isApart ? 1_000 : 1)
  await createSourceTables(source(), catalogue, databases.source)
  await addBlocks(source(), databases.source, { from: 1, to: blocks })
  const tables = [TABLES[0]!, ...TABLES.slice(1).filter(() => random() < 0.5)].join()
  if (random() < 0.5) {
    story.push('block_slots_stat keeps every duplicate')
    const { ddl } = catalogue.tables.find(({ key }) => key === TABLES[0])!
    await query('CREATE DATABASE {target:Identifier}')
    await query(ddl.text.replace(/ENGINE = \w+/, 'ENGINE = MergeTree'))
  }
  const words = [
    'up',
    '--quiet',
    '--tables',
    tables,
    '--sql',
    folder.path,
    '--chunk',
    String(between(2, 12) * (isApart ? 1_000 : 1)),
    '--lag',
    '0',
  ]
  words.push('--jobs', String(between(1, 3)), '--table-jobs', String(between(1, 2)))
  story.push(`${blocks} blocks, ${words.slice(3, 4).concat(words.slice(6)).join(' ')}${folder.about}`)

  const compression = isApart ? COMPRESSIONS[seed % COMPRESSIONS.length]! : undefined
  if (compression !== undefined) words.push('--compression', compression)
  // Requests can be held by the proxy, which takes them whole; a stream can be cut in its middle on the line.
  const isLine = isApart && seed % 2 === 0
  if (isApart)
    story.push(`two servers, ${compression}, the target ${isLine ? 'on a thin line' : 'behind the proxy'}`)

  const held: Held[] = []
  const runners: Runner[] = []
  const stopped: Runner[] = []
  const awake = () => runners.filter((runner) => !stopped.includes(runner))
  const run = (): Runner => {
    const clock = random() < 0.2 ? between(-7_200_000, 7_200_000) : 0
    const login = isLine ? through(ground) : { ...ground.server(), url: ground.proxy.url }
    const runner = startRunner({
      words: [...words, '--give-up', '30'],
      login,
      source: isApart ? through(ground.source) : undefined,
      databases,
      clock,
    })
    runners.push(runner)
    return runner
  }
  const hold = (): Held => {
    const wanted = { writes: WRITES, points: ['request', 'request', 'answer', 'body'], most: 5 } as const
    const one = holdOne(ground.proxy, wanted, { pick, between })
    story.push(one.told)
    held.push(one.held)
    return one.held
  }
  const acts: Readonly<Record<string, (runner: Runner) => Promise<void> | void>> = {
    kill: ({ child }) => void child.kill('SIGKILL'),
    // Rows that change while any INSERT runs may end up in the target or not (docs/explanation/reliability.md): then none may run.
    'kill all and rewrite sources': async () => {
      for (const { child } of awake()) child.kill('SIGKILL')
      await Promise.all(awake().map(({ ended }) => ended))
      await sleep(SETTLES_MS)
      story.push(
        await rewriteSources(ground.server(), {
          source: source(),
          databases,
          catalogue,
          tables,
          blocks,
          random,
        }),
      )
    },
    'stop for good': (runner) => {
      runner.child.kill('SIGSTOP')
      stopped.push(runner)
    },
    'stop for a moment': async ({ child }) => {
      child.kill('SIGSTOP')
      await sleep(between(500, 4_000))
      child.kill('SIGCONT')
    },
    'kill the server': () => ground.killServer(between(0, 2_000)),
    cut: () => (isLine ? ground.line.cut() : ground.proxy.cut()),
    ...(isApart && {
      'kill the source server': () => ground.source.killServer(between(0, 2_000)),
      'cut the source': () => ground.source.line.cut(),
      'cut the source in the middle of a stream': (runner) =>
        inStream(ground.source.line, runner, () => ground.source.line.cut()),
      'kill the source server in the middle of a stream': (runner) =>
        inStream(ground.source.line, runner, () => ground.source.killServer(between(0, 2_000))),
      ...(isLine && {
        'cut the target in the middle of a stream': (runner) =>
          inStream(ground.line, runner, () => ground.line.cut()),
        'kill the server in the middle of a stream': (runner) =>
          inStream(ground.line, runner, () => ground.killServer(between(0, 2_000))),
      }),
      'kill in the middle of a stream': (runner) =>
        inStream(ground.source.line, runner, () => void runner.child.kill('SIGKILL')),
    }),
    'second runner': () => void run(),
    'stop merges': async () => {
      await query('SYSTEM STOP MERGES').catch(() => undefined)
      await sleep(between(500, 2_000))
      await query('SYSTEM START MERGES').catch(() => undefined)
    },
    interrupt: ({ child }) => void child.kill(pick(['SIGINT', 'SIGTERM'])),
    'hold a request, kill': async ({ child, ended }) => {
      await Promise.race([hold().arrived, ended, sleep(5_000)])
      child.kill('SIGKILL')
    },
    'hold a request, cut': async ({ ended }) => {
      const one = hold()
      await Promise.race([one.cut(), ended, sleep(5_000)])
    },
  }
  const possible = Object.keys(acts).filter((name) => !(isLine && name.startsWith('hold')))
  const likely = possible.flatMap((name) => Array.from({ length: often(name) }, () => name))
  for (let left = between(1, 4); left > 0; left--) {
    const runner = run()
    await sleep(between(200, 4_000))
    const chosen = pick(likely)
    const name = act !== undefined && act in acts ? act : chosen
    story.push(name)
    await acts[name]!(runner)
  }

  await query('SYSTEM START MERGES')
  await Promise.all(
    awake().map(({ ended, child }) => Promise.race([ended, sleep(8_000).then(() => child.kill('SIGKILL'))])),
  )
  await Promise.all(awake().map(({ ended }) => ended))
  const recovery = { words, login: ground.server(), source: isApart ? source() : undefined, databases }
  let last = await startRunner(recovery).ended
  for (let tries = 1; last.code !== 0 && tries < 4; tries++) last = await startRunner(recovery).ended
  if (last.code !== 0) return { story, wrong: [`up ends with ${last.code}: ${last.said}`] }
  const late = held.map((one) => one.release())
  for (const { child } of stopped) child.kill('SIGCONT')
  for (const { ended } of stopped) story.push(`woke up, exit ${(await ended).code}`)
  await Promise.race([Promise.all(late), sleep(3_000)])

  const workspace = await openTestWorkspace({
    ...clean,
    server: ground.server(),
    sourceServer: source(),
    tables: tables.split(','),
    catalogue,
  })
  const { failed } = await workspace.up()
  await workspace.close()
  if (failed.length > 0) return { story, wrong: [`the clean run failed: ${failed[0]!.error.message}`] }
  const options = {
    server: ground.server(),
    sourceServer: source(),
    tables: tables.split(','),
    catalogue,
    databases,
    clean: clean.target,
  }
  const wrong = await audit({ ...options, mayBeStale: true })
  if (wrong.length === 0) await dropAll(ground, [databases, clean])
  folder.remove()
  return { story, wrong }
}

/** What killed runners had sent arrives within this time: a range that is done by then was done from the old rows. */
const SETTLES_MS = 1_500

/** A round with a runner that stopped for good takes 20 s longer; late requests are what breaks protocols. */
function often(act: string): number {
  if (act === 'stop for good') return 1
  return act.startsWith('hold') ? 6 : 3
}

/** What writes to the target. */
const WRITES: Readonly<Record<string, (seen: Seen) => boolean>> = {
  'an INSERT': intoTarget(),
  'an INSERT of block_slots_stat': intoTarget('block_slots_stat'),
  'a done': ledgerEvent('done'),
  'a DELETE': deletion,
  anything: ({ statement }) => /^(insert|delete|create|alter|drop) /i.test(statement),
}
