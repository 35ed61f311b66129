import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    // They run the program's own image, which somebody has to build first: docs/explanation/testing.md, "Containers".
    exclude: process.env['BACKFILL_TEST_OWN_IMAGE'] ? [] : ['test/**/*.container.test.ts'],
    reporters: ['default'],
    pool: 'forks',
    isolate: false, // a worker loads a module once, for all of its files; no module is mocked, and none keeps what a test did
    maxWorkers: 3, // each may run a server of its own; on two cores, since many tests wait for a lock to grow stale or a proxy to cut
    hookTimeout: 60_000,
    testTimeout: 180_000,
  },
})
