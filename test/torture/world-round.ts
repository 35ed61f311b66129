// Owns the world rounds of the torture: tables are truncated, replaced, redone and restored, and partitions dropped, before
// and while runs go on. After every step each row that a clean run would not have must be announced.
import { setTimeout as sleep } from 'node:timers/promises'
import { rowsOf } from '../support/server.ts'
import type { Ground } from './ground.ts'
import { repair, unannounced } from './world-judge.ts'
import { openScene, type Scene } from './world-scene.ts'
import { WORLD_TABLES } from './world-tables.ts'

export const WORLD_ACTS = ['truncate', 'replace', 'redo', 'restore', 'drop a partition'] as const
export type WorldAct = (typeof WORLD_ACTS)[number]

export type WorldVerdict = {
  readonly story: readonly string[]
  readonly wrong: readonly string[]
  readonly played: readonly {
    readonly act: WorldAct
    /** Whether something differed, unannounced, before the next act. */
    readonly isSeen: boolean
  }[]
}

const KEYS = WORLD_TABLES.map(({ key }) => key)
const INPUTS = KEYS.filter((key) => WORLD_TABLES.some(({ after }) => after.includes(key)))

/** `blind`: what `status` says about staleness and absence counts for nothing, so that differences must be found. */
export async function playWorld(ground: Ground, seed: number, blind: boolean): Promise<WorldVerdict> {
  const scene = await openScene(ground, seed)
  const { story, between, pick, random, run, grow } = scene
  const wrong: string[] = []
  const played: { act: WorldAct; isSeen: boolean }[] = []
  const acts = makeActs(scene)
  const works = makeWorks(scene)
  try {
    await grow(between(8, 16))
    await run(`up --quiet --chunk ${between(4, 9)}`)
    for (let left = between(2, 4); left > 0 && wrong.length === 0; left--) {
      const act = pick(WORLD_ACTS)
      const isBusy = random() < 0.3
      if (isBusy) await grow(between(4, 8))
      const running = isBusy ? run(`up --quiet --chunk ${between(2, 4)}`) : undefined
      if (running) await sleep(between(0, 500))
      await acts[act]()
      await running
      // A table that a run works on cannot be marked.
      if (isBusy) await run('verify --sources --tables vals')
      let found = await unannounced(scene, blind)
      for (let steps = between(0, 2); steps > 0 && found.length === 0; steps--) {
        await pick(works)()
        found = await unannounced(scene, blind)
      }
      played.push({ act, isSeen: found.length > 0 })
      if (!blind) wrong.push(...found.map((one) => `after '${act}': ${one}`))
    }
    if (!blind && wrong.length === 0) wrong.push(...(await repair(scene)))
  } catch (error) {
    wrong.push(error instanceof Error ? (error.stack ?? error.message) : String(error))
  }
  await scene.close(wrong.length > 0)
  return { story, wrong, played }
}

const fill = (to: string, from: string) => `INSERT INTO ${to} SELECT * FROM ${from} FINAL`

/** What happens to tables. */
function makeActs(scene: Scene): Readonly<Record<WorldAct, () => Promise<void>>> {
  const { server, databases, between, pick, random, run, act, table, uuidOf } = scene
  /** Copies of tables as they were at some time. */
  const copies = new Set<string>()
  const copyOf = (key: string) => `${databases.target}.copy_${key}`

  return {
    async truncate() {
      const key = pick(INPUTS)
      await act(`truncate ${key}`, `TRUNCATE TABLE IF EXISTS ${table(key)}`)
    },

    async replace() {
      const key = pick(INPUTS)
      if (random() < 0.5) {
        await scene.changeSource()
        await run('up --quiet --redo-stale --tables vals')
        await run(`rebuild ${key} --drop-old --yes --quiet`)
        return
      }
      if ((await uuidOf(key)) === undefined) return
      const other = `${databases.target}.other`
      await act(`replace ${key} by a part of it`, `CREATE TABLE ${other} AS ${table(key)}`)
      await scene.query(`${fill(other, table(key))} WHERE block_number % 3 > 0`)
      await scene.query(`EXCHANGE TABLES ${other} AND ${table(key)}`)
      await scene.query(`DROP TABLE ${other} SYNC`)
    },

    async redo() {
      await scene.changeSource()
      await run(`up --quiet --redo-stale --tables ${pick(['vals', 'vals', 'vals,doubles'])}`)
    },

    async restore() {
      const key = pick(KEYS)
      const uuid = await uuidOf(key)
      if (uuid === undefined) return
      if (!copies.has(key)) {
        await act(`back up ${key}`, `CREATE TABLE ${copyOf(key)} AS ${table(key)}`)
        await scene.query(fill(copyOf(key), table(key)))
        copies.add(key)
      }
      // Something that the backup does not have.
      await (random() < 0.5 ? scene.grow(between(1, 4)) : scene.changeSource())
      await run(`up --quiet --redo-stale --chunk ${between(3, 8)}`)
      if (random() < 0.5) {
        await act(`restore ${key}`, `DROP TABLE ${table(key)} SYNC`)
        await scene.query(`RENAME TABLE ${copyOf(key)} TO ${table(key)}`)
        copies.delete(key)
        await run(`adopt ${key}${pick(['', ` --from-uuid ${uuid}`])}`)
      } else {
        await act(`restore ${key} in place`, `TRUNCATE TABLE ${table(key)}`)
        await scene.query(fill(table(key), copyOf(key)))
      }
    },

    async 'drop a partition'() {
      const key = pick(KEYS)
      const partitions = await rowsOf<{ id: string }>(
        server,
        'SELECT DISTINCT partition_id AS id FROM system.parts WHERE active AND database = {target:String} AND table = {table:String} ORDER BY id',
        { ...databases, table: `int_${key}` },
      )
      const id = partitions.length === 0 ? undefined : pick(partitions).id
      if (id === undefined) return
      await act(`drop partition ${id} of ${key}`, `ALTER TABLE ${table(key)} DROP PARTITION ID '${id}'`)
    },
  }
}

/** What people and cron do meanwhile. */
function makeWorks({ run, grow, between, pick, values }: Scene): readonly (() => Promise<void>)[] {
  return [
    () => run(`up --quiet --chunk ${between(3, 8)} --jobs ${between(1, 3)}`),
    () => run(`up --quiet --chunk ${between(3, 8)} --tables ${pick(KEYS)}`),
    () => run(`up --quiet --chunk ${between(3, 8)} --to ${between(1, values.size)}`),
    () => run('up --quiet --redo-stale'),
    () => run('redo --stale --yes --quiet'),
    async () => {
      await grow(between(1, 4))
      await run('up --quiet')
    },
  ]
}
