// Owns one round of `npm run torture -- --cluster`: two shards of two replicas behind a load balancer; runners, nodes and
// Keeper are killed and halted; then a plain `up`, and every replica must hold what one server computes.
import { setTimeout as sleep } from 'node:timers/promises'
import { readCatalogue } from '../../src/project/sql-folder.ts'
import { distributedEngine } from '../../src/sql-syntax/ddl-clauses.ts'
import { startBalancer } from '../support/balancer.ts'
import { mulberry32 } from '../support/random.ts'
import { type RealCluster, startRealCluster } from '../support/real-cluster.ts'
import { post, rowsOf, type TestServer } from '../support/server.ts'
import { CLUSTER } from '../support/shards.ts'
import { addBlocks, createSourceTables } from '../support/small-chain.ts'
import { differences, openTestWorkspace, SQL_FOLDER } from '../support/workspace.ts'
import { type Runner, startRunner } from './ground.ts'
import type { Verdict } from './round.ts'

const TABLES = ['block_slots_stat', 'address_diffs', 'address_reads', 'address_storage_slot_last_access']
const ACTS = [
  'kill runner', 'halt runner', 'kill node', 'halt node', 'kill Keeper', 'redo', 'rebuild',
] as const // prettier-ignore

/** Each node may have died in the middle of a table. */
const MAX_TYPED = 8

/** A server looks once a minute whether a table that has lost Keeper can be written to again. */
const READONLY_MS = 180_000

export const openCluster = (): Promise<RealCluster> => startRealCluster({ replicas: 2 })

export async function playCluster(cluster: RealCluster, seed: number): Promise<Verdict> {
  const random = mulberry32(seed)
  const between = (low: number, high: number): number => low + Math.floor(random() * (high - low + 1))
  const pick = <T>(items: readonly T[]): T => items[between(0, items.length - 1)]!
  const story: string[] = []
  const wrong: string[] = []
  /** Keys of tables of which a rebuild was begun. */
  const rebuilt = new Set<string>()
  const databases = { source: `source_${seed}`, target: `target_${seed}`, ledger: `ledger_${seed}` }
  const clean = { target: `clean_${seed}`, ledger: `clean_ledger_${seed}` }
  const { nodes } = cluster
  const node = nodes[0]!
  const tables = TABLES.filter(() => random() < 0.5)
  const keys = tables.length === 0 ? [pick(TABLES)] : tables
  const names = keys.map((key) => `int_${key}`)

  // Each node has the sources itself: a run reads them through whichever it reaches.
  const catalogue = await readCatalogue(SQL_FOLDER)
  const blocks = between(20, 60)
  for (const each of nodes) {
    await createSourceTables(each, catalogue, databases.source)
    await addBlocks(each, databases.source, { from: 1, to: blocks })
  }
  const one = await openTestWorkspace({ server: node, source: databases.source, tables: keys, ...clean })
  const { failed } = await one.up()
  if (failed.length > 0) wrong.push(`the clean run failed: ${failed[0]!.error.message}`)
  await one.close()

  const balancer = await startBalancer(nodes.map(({ url }) => url))
  const flags = ['--cluster', CLUSTER, '--lag', '0', '--give-up', '4m', '--quiet']
  const run = (...words: readonly string[]): Runner =>
    startRunner({
      words: [...words, ...flags],
      login: { ...node, url: balancer.url },
      source: undefined,
      databases,
    })
  const up = () =>
    run('up', '--tables', keys.join(), '--chunk', String(between(3, 12)), '--jobs', '3', '--lock-wait', '4m')
  const pause = () => sleep(between(500, 5_000))
  async function away(name: string, what: 'KILL' | 'STOP'): Promise<void> {
    await cluster.signal(name, what)
    await sleep(between(500, 9_000))
    await (what === 'STOP' ? cluster.signal(name, 'CONT') : cluster.restart(name))
  }

  for (let disturbed = between(2, 4); disturbed > 0; disturbed--) {
    const runner = up()
    await pause()
    const act = pick(ACTS)
    const name = `s${between(1, 2)}r${between(1, 2)}`
    story.push(act.endsWith('node') ? `${act} ${name}` : act)
    if (act === 'kill runner') runner.child.kill('SIGKILL')
    else if (act === 'halt runner') {
      runner.child.kill('SIGSTOP')
      const other = up()
      await pause()
      runner.child.kill('SIGCONT')
      if (random() < 0.5) other.child.kill('SIGKILL')
      else await other.ended
    } else if (act === 'redo' || act === 'rebuild') {
      const key = pick(keys)
      if (act === 'rebuild') rebuilt.add(key)
      const words = act === 'rebuild' ? ['--drop-old'] : ['--from', '3', '--to', String(between(4, blocks))]
      const other = run(act, key, ...words, '--yes', '--lock-wait', '4m')
      await pause()
      if (random() < 0.5) other.child.kill('SIGKILL')
      else await away(name, 'KILL')
      await other.ended
    } else await away(act === 'kill Keeper' ? 'zookeeper' : name, act === 'halt node' ? 'STOP' : 'KILL')
    if (random() < 0.5) runner.child.kill('SIGKILL')
    await runner.ended
  }

  /** After a node died while it made a table, or in an INSERT, a person types what the hint says. */
  async function lastly(what: string, start: () => Runner): Promise<void> {
    let last = await start().ended
    for (let typed = 0; typed < MAX_TYPED; typed++) {
      const [, statement] =
        /type (SYSTEM (?:DROP|RESTART) REPLICA .*) on (?:another|each) node/.exec(last.said) ?? []
      if (last.code === 0 || statement === undefined) break
      story.push(statement)
      await Promise.allSettled(nodes.map((each) => post(each, statement)))
      last = await start().ended
    }
    if (last.code !== 0)
      wrong.push(`the last ${what} ended with ${last.code}: ${last.said.trim().slice(-1_500)}`)
  }
  await lastly('up', up)
  for (const key of rebuilt) await lastly('rebuild', () => run('rebuild', key, '--drop-old', '--yes'))
  await balancer.close()
  if (wrong.length > 0) return { story, wrong }
  for (const name of names) {
    // Its name is that under which a rebuild made it.
    const [table] = await rowsOf<{ engine: string }>(
      node,
      `SELECT engine_full AS engine FROM system.tables WHERE database = '${databases.target}' AND name = '${name}'`,
    )
    const local = `${databases.target}.${distributedEngine(table!.engine)!.table}`
    const held = await Promise.all(
      nodes.map(async (each) => {
        await synced(each, local)
        return await post(each, `SELECT count(), sum(cityHash64(*)) FROM ${local} FINAL`)
      }),
    )
    for (const shard of [0, 1])
      if (held[2 * shard] !== held[2 * shard + 1])
        wrong.push(`replicas of ${name} differ on shard ${shard + 1}: ${held.join(' ')}`)
  }
  wrong.push(...(await differences(node, names, { actual: databases.target, expected: clean.target })))
  if (wrong.length === 0)
    for (const each of nodes)
      for (const name of [
        ...Object.values(databases),
        ...Object.values(clean),
        `${databases.ledger}_locks`,
        `${clean.ledger}_locks`,
      ])
        await post(each, `DROP DATABASE IF EXISTS ${name} SYNC`)
  return { story, wrong }
}

/** Where the last run had nothing to write, a replica that has lost Keeper may still be read-only. */
async function synced(node: TestServer, table: string): Promise<void> {
  for (const end = performance.now() + READONLY_MS; ; await sleep(500))
    try {
      await post(node, `SYSTEM SYNC REPLICA ${table}`)
      return
    } catch (error) {
      if (!String(error).includes('TABLE_IS_READ_ONLY') || performance.now() > end) throw error
    }
}
