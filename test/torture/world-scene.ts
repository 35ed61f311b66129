// Owns what a world round is played on: databases of its own, the program with its words, the source and its values.
import { readCatalogue } from '../../src/project/sql-folder.ts'
import { environmentFor } from '../support/cli.ts'
import { backfillInside } from '../support/inside.ts'
import { mulberry32 } from '../support/random.ts'
import { post, rowsOf } from '../support/server.ts'
import { createSourceTables } from '../support/small-chain.ts'
import { dropAll, type Ground } from './ground.ts'
import { setValues, worldFolder } from './world-tables.ts'

export type Scene = Awaited<ReturnType<typeof openScene>>

export async function openScene(ground: Ground, seed: number) {
  const server = ground.server()
  const random = mulberry32(seed)
  const pick = <T>(items: readonly T[]): T => items[Math.floor(random() * items.length)]!
  const between = (low: number, high: number): number => low + Math.floor(random() * (high - low + 1))
  const databases = {
    source: `world_source_${seed}`,
    target: `world_${seed}`,
    ledger: `world_ledger_${seed}`,
  }
  const folder = worldFolder()
  const env = { ...environmentFor(server, databases), BACKFILL_LAG: '0', BACKFILL_SQL: folder.path }
  await dropAll(ground, [databases])
  await createSourceTables(server, await readCatalogue(folder.path), databases.source)

  const story: string[] = []
  /** The value of each block of the source. */
  const values = new Map<number, number>()
  let version = 0
  const tell = (words: string) => backfillInside(words.split(' '), env)
  const query = (statement: string) => post(server, statement)
  const table = (key: string) => `${databases.target}.int_${key}`

  async function run(words: string): Promise<void> {
    const { code, stderr } = await tell(words)
    story.push(`${words} -> ${code}${code === 0 ? '' : ` (${stderr.trim().split('\n').at(0)})`}`)
  }

  async function write(first: number, last: number): Promise<void> {
    const blocks = Array.from({ length: last - first + 1 }, (_, index) => first + index)
    const changed = new Map(blocks.map((block) => [block, between(1, 60)]))
    for (const [block, value] of changed) values.set(block, value)
    await setValues(server, databases.source, changed, ++version)
    story.push(`source: new rows of blocks ${first}-${last}`)
  }

  return {
    server,
    databases,
    story,
    values,
    random,
    pick,
    between,
    run,
    query,
    table,

    /** What the program answers as JSON. */
    json: async <Answer>(words: string): Promise<Answer> => {
      const { code, stdout, stderr } = await tell(`${words} --json`)
      if (stdout === '') throw new Error(`${words} ends with ${code}: ${stderr}`)
      return JSON.parse(stdout) as Answer
    },

    /** New blocks at the end of the chain. */
    grow: (count: number) => write(values.size + 1, values.size + count),

    /** Other rows of blocks that are done; `verify --sources` finds them. */
    changeSource: async (): Promise<void> => {
      const first = between(1, values.size)
      await write(first, Math.min(values.size, first + between(0, 4)))
      await run('verify --sources --tables vals')
    },

    /** Undefined if the table does not exist. */
    uuidOf: async (key: string): Promise<string | undefined> => {
      const found = await rowsOf<{ uuid: string }>(
        server,
        'SELECT toString(uuid) AS uuid FROM system.tables WHERE database = {target:String} AND name = {table:String}',
        { ...databases, table: `int_${key}` },
      )
      return found[0]?.uuid
    },

    act: async (words: string, statement: string): Promise<void> => {
      story.push(words)
      await query(statement)
    },

    close: async (isKept: boolean): Promise<void> => {
      if (!isKept) await dropAll(ground, [databases])
      folder.remove()
    },
  }
}
