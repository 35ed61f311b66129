// Owns a crash scene: a runner in a process of its own that is killed or stopped while a proxy holds one of its requests.
import type { ChildProcess } from 'node:child_process'
import { expect, onTestFinished } from 'vitest'
import { readCatalogue } from '../../src/project/sql-folder.ts'
import { audit, type Databases } from './audit.ts'
import { backfillHere, environmentFor, startBackfill } from './cli.ts'
import { arrival } from './held.ts'
import { type Outcome, outcome } from './processes.ts'
import { type Answer, type Held, type Point, type Proxy, type Seen, startProxy } from './proxy.ts'
import { post, type TestServer, uniqueDatabase } from './server.ts'
import { addBlocks, createSourceTables } from './small-chain.ts'
import { openTestWorkspace, SQL_FOLDER } from './workspace.ts'

export const catalogue = await readCatalogue(SQL_FOLDER)

/** One table of blocks in a plain MergeTree, which keeps every duplicate; the others replace. */
export const PLAIN = 'block_slots_stat'
const TABLES = [PLAIN, 'address_reads', 'address_last_access']

/** A chain, whose length is a multiple of three chunks, and what a clean run makes of it. */
export type Ground = {
  readonly blocks: number
  readonly server: TestServer
  /** Where the chain is; `server` itself, or a second one. */
  readonly sourceServer: TestServer
  readonly source: string
  readonly clean: string
}

export async function prepareGround(server: TestServer, sourceServer = server, blocks = 12): Promise<Ground> {
  const source = uniqueDatabase('source')
  await createSourceTables(sourceServer, catalogue, source)
  await addBlocks(sourceServer, source, { from: 1, to: blocks })
  const workspace = await openTestWorkspace({ server, sourceServer, source, tables: TABLES, catalogue })
  expect((await workspace.up()).failed).toEqual([])
  await workspace.close()
  return { server, sourceServer, source, clean: workspace.target, blocks }
}

export type Scene = {
  readonly databases: Databases
  readonly proxy: Proxy
  /** Starts `up`, or the words given, behind the proxy. */
  start(argv?: readonly string[]): { readonly child: ChildProcess; readonly ended: Promise<Outcome> }
  /** Runs `up`, or the words given, past the proxy, to its end. */
  succeed(argv?: readonly string[]): Promise<void>
  /** Expects every table and the ledger to be as after a clean run. */
  expectClean(): Promise<void>
}

export async function openScene(ground: Ground): Promise<Scene> {
  const { server, source, clean } = ground
  const databases = { source, target: uniqueDatabase('target'), ledger: uniqueDatabase('ledger') }
  const proxy = await startProxy(server.url)
  onTestFinished(() => proxy.close())
  await post(server, 'CREATE DATABASE {target:Identifier}', { target: databases.target })
  const { ddl } = catalogue.tables.find(({ key }) => key === PLAIN)!
  await post(server, ddl.text.replace(/ENGINE = \w+/, 'ENGINE = MergeTree'), { target: databases.target })
  return {
    databases,
    proxy,
    start(argv = words(ground)) {
      const child = startBackfill(argv, { env: environment(ground, databases, proxy.url) })
      return { child, ended: outcome(child) }
    },
    async succeed(argv = words(ground)) {
      const { code, stderr } = await backfillHere(argv, { env: environment(ground, databases) })
      expect(code, stderr).toBe(0)
    },
    async expectClean() {
      const { sourceServer } = ground
      expect(await audit({ server, sourceServer, tables: TABLES, catalogue, databases, clean })).toEqual([])
    },
  }
}

export type Crash = {
  readonly matches: (seen: Seen) => boolean
  readonly point: Point
  /** What is killed, where it is not `up`. */
  readonly argv?: readonly string[]
}

/** Kills a runner at the point, lets a successor do all the work, then lets what was held go on. */
export async function killAt(scene: Scene, { matches, point }: Crash): Promise<Answer> {
  const held = await crashed(scene, { matches, point }, 'SIGKILL')
  await scene.succeed()
  return await held.release()
}

/** As `killAt`, but the runner is only stopped: it wakes up when its successor is done. Returns how it ended, too. */
export async function stopAt(scene: Scene, crash: Crash): Promise<{ answer: Answer; ended: Outcome }> {
  const held = scene.proxy.hold(crash.matches, crash.point)
  const { child, ended } = scene.start()
  await arrival(held, ended)
  child.kill('SIGSTOP')
  await scene.succeed()
  const answer = held.release()
  child.kill('SIGCONT')
  return { answer: await answer, ended: await ended }
}

/** Kills a runner at the point, and leaves it at that. */
export async function crashed(
  scene: Scene,
  { matches, point, argv }: Crash,
  signal: NodeJS.Signals,
): Promise<Held> {
  const held = scene.proxy.hold(matches, point)
  const { child, ended } = scene.start(argv)
  await arrival(held, ended)
  child.kill(signal)
  await ended
  return held
}

function words({ blocks }: Ground): readonly string[] {
  return ['up', '--quiet', '--tables', TABLES.join(), '--chunk', String(blocks / 3), '--lag', '0']
}

function environment({ server, sourceServer, source }: Ground, databases: Databases, through = server.url) {
  return {
    ...environmentFor({ ...server, url: through }, { ...databases, source }),
    ...(sourceServer !== server && {
      SOURCE_CLICKHOUSE_URL: sourceServer.url,
      SOURCE_CLICKHOUSE_USERNAME: sourceServer.username,
      SOURCE_CLICKHOUSE_PASSWORD: sourceServer.password,
    }),
  }
}
