import { defineConfig } from 'vitest/config'
import { areNamed, LONG } from './test/long-tests.ts'

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    // They run the program's own image, which somebody has to build first: docs/explanation/testing.md, "Containers".
    exclude: [
      ...(process.env['BACKFILL_TEST_OWN_IMAGE'] ? [] : ['test/**/*.container.test.ts']),
      // They fetch package managers: by hand (docs/explanation/testing.md).
      ...(process.env['BACKFILL_TEST_PACKAGE_MANAGERS'] ? [] : ['test/**/*.managers.test.ts']),
      // `npm run test:cluster` runs them, and test/servers.ts, which names the files, on an image.
      ...(process.env['BACKFILL_TEST_IMAGE'] ? [] : ['test/**/*.cluster.test.ts']),
      // `npm run test:long` runs them.
      ...(areNamed(process.argv) ? [] : LONG),
    ],
    reporters: ['default'],
    globalSetup: 'test/support/scratch-folder.ts',
    setupFiles: process.env['BACKFILL_TEST_CPU'] ? ['test/support/cpu-per-test.ts'] : [],
    pool: 'forks',
    isolate: false, // a worker loads each module once, and keeps its server (test/support/server.ts); no module is mocked
    maxWorkers: 5, // each has a server of its own; on two cores, since many tests wait for a lock to grow stale or a proxy to cut
    // For what hangs. No test is limited by the clock, so that a busy machine breaks none.
    hookTimeout: 300_000,
    testTimeout: 300_000,
  },
})
