// Owns `backfill test`: it runs the unit tests of the transforms on a temporary embedded server.
import { EXIT, usageError } from '../../model/errors.ts'
import type { UnitTest, UnitTestResult } from './unit-test.ts'
import { names, readFlag } from '../../workspace/values.ts'
import type { Command, Context } from '../../session/command.ts'
import { renderTestResults, testFields } from './render.ts'
import { withScratchServer } from './scratch-server.ts'
import { interruptedCode, withSignals } from '../../terminal/signals.ts'
import { monotonicMs } from '../../seam/clock.ts'

/** Two benches: while one waits for a response, the server works for the other. */
const BENCHES = ['a', 'b']

export const test: Command = async (context) => {
  const { output, flags } = context
  if (flags.has('new')) return await (await import('./new-test.ts')).newTest(context)
  const stray = ['from', 'to', 'network'].find((flag) => flags.has(flag))
  if (stray !== undefined) {
    throw usageError(`--${stray} is for --new only`, 'a test file names its own blocks and network')
  }
  return await withSignals(
    () => output.message(['Stopping.']),
    async (signal) => {
      const started = monotonicMs()
      const results = await runTests(context, signal)
      if (signal.aborted) return interruptedCode(signal)
      const elapsedMs = Math.round(monotonicMs() - started)
      if (flags.has('json')) output.json(testFields(results, elapsedMs))
      else output.result(renderTestResults({ results, elapsedMs, colors: output.resultColors }))
      return results.every(({ passed }) => passed) ? EXIT.ok : EXIT.failed
    },
  )
}

/** The results in the order of the tests, without tests that the signal prevented. */
async function runTests({ config, flags }: Context, signal: AbortSignal): Promise<readonly UnitTestResult[]> {
  const { chooseTables, readCatalogue } = await import('../../project/sql-folder.ts')
  const { readTests } = await import('./files.ts')
  const folder = config.sql.value
  const catalogue = await readCatalogue(folder)
  const chosen = chooseTables(catalogue, readFlag(flags, 'tables', names) ?? [])
  const tests = await readTests(folder, catalogue, chosen)
  return await withScratchServer(async (server) => {
    const { openTestBench } = await import('./bench.ts')
    const results = new Map<UnitTest, UnitTestResult>()
    const queue = tests.values() // one iterator: each test is taken by the bench that is free
    const work = async (name: string): Promise<void> => {
      const bench = await openTestBench({ server, catalogue, name })
      for (const one of queue) {
        if (signal.aborted) return
        results.set(one, await bench.run(one))
      }
    }
    await Promise.all(BENCHES.map(work))
    return tests.flatMap((one) => results.get(one) ?? [])
  })
}
