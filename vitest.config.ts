import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    reporters: ['default'],
    pool: 'forks',
    maxWorkers: 2, // each may run a server of its own
    hookTimeout: 60_000,
    testTimeout: 180_000,
  },
})
