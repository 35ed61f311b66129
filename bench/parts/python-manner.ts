// Owns part a: `up` for all tables against the same work in the manner of the Python scripts.
import { backfill, newPlace } from '../support/backfill.ts'
import { alternate, median } from '../support/measure.ts'
import { runPythonManner } from '../support/python-manner.ts'
import type { Bench, Report } from '../support/report.ts'
import { dropPlace, msByTable, statementsOf } from '../support/statements.ts'
import { contentsOf, kinships, withTargets } from '../support/targets.ts'

/** A run's whole time and its statements' time by table, in ms. */
type Times = { readonly whole: number; readonly tables: ReadonlyMap<string, number> }

/** @throws Error where the two sides come to different tables */
export async function pythonManner({ server, chain, runs, step }: Bench): Promise<Report> {
  const contents: ReadonlyMap<string, string>[] = []
  const runUp = async (words: readonly string[]): Promise<Times> => {
    const place = newPlace(chain.source)
    const { elapsedMs } = await backfill({ on: server, place, words: ['up', ...words] })
    const tables = msByTable(await statementsOf(server, place.target))
    contents.push(await contentsOf(server, place.target))
    await dropPlace(server, place)
    return { whole: elapsedMs, tables }
  }
  const runPython = (): Promise<Times> =>
    withTargets(server, async (target) => {
      const tables = await runPythonManner(server, { chain, target, step })
      contents.push(await contentsOf(server, target))
      return { whole: [...tables.values()].reduce((sum, ms) => sum + ms, 0), tables }
    })
  const { up, single, python } = await alternate(runs, {
    python: runPython,
    single: () => runUp(['--jobs', '1']),
    up: () => runUp([]),
  })
  sameContents(contents)

  const row = (name: string, of: (times: Times) => number) => {
    const [old, one, now] = [seconds(python, of), seconds(single, of), seconds(up, of)]
    return [name, old, one, now, old / one, old / now]
  }
  return {
    title: `Python manner (steps of ${step} blocks) against \`up\`, seconds, medians of ${runs}; of a table: its statements`,
    columns: ['table', 'Python manner', 'up --jobs 1', 'up', 'ratio, jobs 1', 'ratio'],
    rows: [
      ...(await kinships()).map((keys) => row(nameOf(keys), ofTables(keys))),
      row('all', ({ whole }) => whole),
    ],
  }
}

function ofTables(keys: readonly string[]) {
  return ({ tables }: Times) => keys.reduce((sum, key) => sum + (tables.get(key) ?? 0), 0)
}

/** `address_first_access + last` for two that share a step, which belongs to neither alone. */
function nameOf([key, ...others]: readonly [string, ...string[]]): string {
  const known = new Set(key.split('_'))
  return [key, ...others.map((other) => other.split('_').find((word) => !known.has(word)))].join(' + ')
}

function seconds(times: readonly Times[], of: (times: Times) => number): number {
  return median(times.map(of)) / 1000
}

function sameContents(contents: readonly ReadonlyMap<string, string>[]): void {
  for (const content of contents)
    for (const [table, text] of content)
      if (text !== contents[0]!.get(table))
        throw new Error(`${table} differs between runs: ${contents[0]!.get(table)} and ${text}`)
}
