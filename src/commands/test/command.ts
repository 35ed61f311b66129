// Owns `backfill test`: it runs the unit tests of the transforms on a temporary embedded server.
import { closing } from '../../model/closing.ts'
import { EXIT, usageError } from '../../model/errors.ts'
import type { UnitTestResult } from './bench.ts'
import type { UnitTest } from './test-case.ts'
import { oneOf, readFlag, selectors } from '../../workspace/values.ts'
import type { Command, Context } from '../../session/session.ts'
import pc from 'picocolors'
import { junit, renderTestResults, testFields } from './render.ts'
import { interruptedCode, withSignals } from '../../terminal/signals.ts'
import { monotonicMs } from '../../seam/clock.ts'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Server } from '../../clickhouse/server.ts'

/** Two benches: while one waits for a response, the server works for the other. */
const BENCHES = ['a', 'b']

export const test: Command = async (context) => {
  const { output, flags } = context
  if (flags.has('new')) return await (await import('./new-test.ts')).newTest(context)
  const format = readFlag(flags, 'format', oneOf(['text', 'junit']))
  return await withSignals(
    () => output.message(['Stopping.']),
    async (signal) => {
      const started = monotonicMs()
      const results = await runTests(context, signal)
      if (signal.aborted) return interruptedCode(signal)
      const elapsedMs = Math.round(monotonicMs() - started)
      if (flags.has('json')) output.json(testFields(results, elapsedMs))
      else if (format === 'junit') output.data(junit(results, elapsedMs, pc.createColors(false)))
      else output.data(renderTestResults(results, elapsedMs, output.resultColors))
      return results.every(({ passed }) => passed) ? EXIT.ok : EXIT.failed
    },
  )
}

async function runTests({ config, flags }: Context, signal: AbortSignal): Promise<readonly UnitTestResult[]> {
  const { chooseTables, readCatalogue } = await import('../../project/sql-folder.ts')
  const { readTests } = await import('./test-case.ts')
  const folders = config.sql.value
  const catalogue = await readCatalogue(...folders)
  const chosen = chooseTables(catalogue, selectors(flags))
  const tests = await readTests(folders, catalogue, chosen)
  return await withScratchServer(async (server) => {
    const { openTestBench } = await import('./bench.ts')
    const results = new Map<UnitTest, UnitTestResult>()
    const queue = tests.values() // one iterator: each test is taken by the bench that is free
    const work = async (name: string): Promise<void> => {
      const bench = await openTestBench(server, catalogue, name)
      for (const one of queue) {
        if (signal.aborted) return
        results.set(one, await bench.run(one))
      }
    }
    await Promise.all(BENCHES.map(work))
    return tests.flatMap((one) => results.get(one) ?? [])
  })
}

const MEMORY_BYTES = 2_000_000_000

/** Starts a server in a temporary folder, and removes both. @throws BackfillError `usage` if there is none */
async function withScratchServer<T>(use: (server: Server) => Promise<T>): Promise<T> {
  const directory = await mkdtemp(join(tmpdir(), 'backfill-scratch-')).catch((error: unknown) => {
    throw usageError(
      `cannot make a temporary folder in ${tmpdir()}: ${(error as NodeJS.ErrnoException).code}`,
      'set TMPDIR to a folder that exists, has room and can be written',
    )
  })
  try {
    const { startEmbedded } = await import('../../embedded/embedded-server.ts')
    const { openServer } = await import('../../clickhouse/server.ts')
    const embedded = await startEmbedded({ directory, memoryBytes: MEMORY_BYTES })
    const { url, username, password, stop } = embedded
    return await closing({ close: stop }, async () =>
      closing(await openServer({ side: 'target', url, username, password, database: 'default' }), use),
    )
  } finally {
    // The server's process has just ended, and files may still be written.
    await rm(directory, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 })
  }
}
