// Vitest's configuration for `npm run test:cluster`: only the tests that need a cluster, one file at a time, because each
// starts several servers.
import { defineConfig } from 'vitest/config'
import base from '../vitest.config.ts'

const include = ['test/**/*.cluster.test.ts']
export default defineConfig({ test: { ...base.test, include, exclude: [], maxWorkers: 1 } })
