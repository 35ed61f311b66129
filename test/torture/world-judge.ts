// Owns the verdict of a world round: which rows a clean run would not have and nothing announces, and whether the tables
// are right once somebody has done what the announcements say.
import type { Scene } from './world-scene.ts'
import { rowsIn, withInputs, WORLD_TABLES } from './world-tables.ts'

type Range = readonly [from: number, to: number]

type Report = {
  readonly table: string
  readonly state: string
  readonly missing: readonly Range[]
  readonly stale: readonly Range[]
  readonly dirty: readonly Range[]
  readonly absences: readonly unknown[]
}

type Difference = { readonly key: string; readonly blocks: readonly number[] }

/** Of each table the positions of the rows that are not those of a clean run. */
async function differences({ server, databases, values }: Scene): Promise<readonly Difference[]> {
  const stored = await Promise.all(WORLD_TABLES.map(({ key }) => rowsIn(server, databases.target, key)))
  return WORLD_TABLES.flatMap(({ key, rows }, index) => {
    const [is, should] = [stored[index] ?? new Map<number, number>(), rows(values)]
    const blocks = [...new Set([...is.keys(), ...should.keys()])].filter(
      (block) => is.get(block) !== should.get(block),
    )
    return blocks.length === 0 ? [] : [{ key, blocks }]
  })
}

/** The tables that are not well, by key. */
async function reportsOf(scene: Scene): Promise<ReadonlyMap<string, Report>> {
  const { tables } = await scene.json<{ tables: readonly Report[] }>('status')
  return new Map(tables.map((report) => [report.table, report]))
}

/** The tables whose rows are not those that the ledger has recorded. */
async function damagedTables(scene: Scene): Promise<ReadonlySet<string>> {
  const { tables } = await scene.json<{
    tables: readonly { readonly table: string; readonly differences: readonly unknown[] }[]
  }>('verify --stored')
  return new Set(tables.flatMap(({ table, differences: found }) => (found.length > 0 ? [table] : [])))
}

/**
 * A sentence for each table with rows that differ from those of a clean run, where neither `status` nor `verify --stored`
 * says so of the table or of one that it reads. `blind`: stale ranges, absences and `verify --stored` count for nothing.
 */
export async function unannounced(scene: Scene, blind: boolean): Promise<readonly string[]> {
  const found = await differences(scene)
  if (found.length === 0) return []
  const reports = await reportsOf(scene)
  const silent = found.flatMap(({ key, blocks }) => {
    const { perKey } = WORLD_TABLES.find((table) => table.key === key)!
    const left = blocks.filter(
      (block) =>
        !withInputs(key).some((one) =>
          isAnnounced(
            reports.get(one.key)!,
            { from: perKey || one.wide ? 0 : block, to: perKey ? Infinity : block },
            blind,
          ),
        ),
    )
    return left.length === 0 ? [] : [{ key, blocks: left }]
  })
  const damaged = silent.length === 0 || blind ? new Set<string>() : await damagedTables(scene)
  return silent
    .filter(({ key }) => !withInputs(key).some((one) => damaged.has(one.key)))
    .map(({ key, blocks }) => `${key} differs at ${blocks.join(', ')} and is '${reports.get(key)!.state}'`)
}

/** Of any block within. */
function isAnnounced(
  report: Report,
  blocks: { readonly from: number; readonly to: number },
  blind: boolean,
): boolean {
  const within = (ranges: readonly Range[]) =>
    ranges.some(([from, to]) => from <= blocks.to && blocks.from <= to)
  if (report.state === 'not created' || within(report.missing) || within(report.dirty)) return true
  return !blind && (report.absences.length > 0 || within(report.stale))
}

/** Does what the announcements say; a sentence for each table that is not right then. */
export async function repair(scene: Scene): Promise<readonly string[]> {
  const { story, run, act, table } = scene
  story.push('repair')
  let wrong: readonly string[] = []
  for (let tries = 0; tries < 3; tries++) {
    const lost = [...(await reportsOf(scene)).values()].filter(({ absences }) => absences.length > 0)
    const damaged = [...lost.map((report) => report.table), ...(await damagedTables(scene))]
    for (const key of new Set(damaged)) await act(`drop ${key}`, `DROP TABLE ${table(key)} SYNC`)
    await run('up --quiet')
    await run('redo --stale --yes --quiet')
    const [different, reports] = await Promise.all([differences(scene), reportsOf(scene)])
    wrong = WORLD_TABLES.flatMap(({ key }) => {
      const { state } = reports.get(key)!
      const is = different.some((one) => one.key === key) ? 'wrong' : 'right'
      return is === 'right' && state === 'up to date'
        ? []
        : [`${key} is ${is} and '${state}' after the repair`]
    })
    if (wrong.length === 0) break
  }
  return wrong
}
