// Owns `backfill test`: the unit tests of the transforms, on an embedded server that is started for them.
import { EXIT } from '../../runner/errors.ts'
import type { UnitTest, UnitTestResult } from '../../runner/unit-test.ts'
import { names, readFlag } from '../argv.ts'
import type { Command, Context } from '../context.ts'
import { renderTestResults, testsJson } from '../render/test.ts'
import { withScratchServer } from '../scratch-server.ts'

const BENCHES = ['a', 'b']

export const test: Command = async (context) => {
  if (context.words.has('new')) return await (await import('./new-test.ts')).newTest(context)
  const started = performance.now()
  const results = await runTests(context)
  const elapsedMs = Math.round(performance.now() - started)
  const { output, words } = context
  const lines = words.has('json')
    ? [JSON.stringify(testsJson(results, elapsedMs))]
    : renderTestResults({ results, elapsedMs, paint: output.resultPaint })
  output.result(lines)
  return results.every(({ passed }) => passed) ? EXIT.ok : EXIT.failed
}

async function runTests({ config, words }: Context): Promise<readonly UnitTestResult[]> {
  const { chooseTables, readCatalogue } = await import('../../files/sql-folder.ts')
  const { readTests } = await import('../../files/test-files.ts')
  const folder = config.sql.value
  const catalogue = await readCatalogue(folder)
  const chosen = chooseTables(catalogue, readFlag(words, 'tables', names) ?? [])
  const tests = await readTests(folder, catalogue, chosen)
  return await withScratchServer(async (server) => {
    const { openTestBench } = await import('../../clickhouse/test-bench.ts')
    const results = new Map<UnitTest, UnitTestResult>()
    const queue = tests.values() // one iterator: each test is taken by the bench that is free
    const work = async (name: string): Promise<void> => {
      const bench = await openTestBench({ server, catalogue, name })
      for (const one of queue) results.set(one, await bench.run(one))
    }
    await Promise.all(BENCHES.map(work))
    return tests.map((one) => results.get(one)!)
  })
}
