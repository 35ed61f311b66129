// Vitest's configuration for `npm run mutate`: only the tests that start neither a server nor the program.
import { configDefaults, mergeConfig } from 'vitest/config'
import base from '../vitest.config.ts'

export default mergeConfig(base, { test: { exclude: [...configDefaults.exclude, '**/*.server.test.ts'] } })
