import { defineConfig } from 'vitest/config'
import { BaseSequencer, type TestSpecification } from 'vitest/node'

/** Short files that take long: begun last, as vitest orders files by their size, one worker would be left with them. */
const SLOW = /\/test\/(crash|deno)\/|\/(demo|two-shards|long-statement|shipped-tests)\.test\.ts$/

class SlowFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    // oxlint-disable-next-line unicorn/no-array-sort -- it is the sequencer's own
    const sorted = await super.sort(files)
    return sorted.toSorted(
      (one, other) => Number(SLOW.test(other.moduleId)) - Number(SLOW.test(one.moduleId)),
    )
  }
}

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    reporters: ['default'],
    pool: 'forks',
    sequence: { sequencer: SlowFirst },
    maxWorkers: 3, // each may run a server of its own; on two cores, since many tests wait for a lock to grow stale or a proxy to cut
    hookTimeout: 60_000,
    testTimeout: 180_000,
  },
})
