// Vitest's configuration for `npm run test:long`: the test files that `npm test` leaves out for their cost.
import { defineConfig } from 'vitest/config'
import base from '../vitest.config.ts'
import { LONG } from './long-tests.ts'

export default defineConfig({ test: { ...base.test, include: [...LONG], exclude: [] } })
