// Owns the meanings of the exit codes in the help of each command; src/model/errors.ts has the numbers.
import type { ExitCodes } from '../session/session.ts'

const usage = { 2: 'A flag, the configuration or an SQL file is wrong. Nothing was written' }
const interrupted = { '129, 130, 143': 'Interrupted by SIGHUP, Ctrl-C or SIGTERM' }

export const local: ExitCodes = { 0: 'Done', ...usage }

export const asking: ExitCodes = {
  ...local,
  1: 'ClickHouse answered a query with an error',
  6: 'ClickHouse is unreachable or refuses the login',
}

export const locking: ExitCodes = { ...asking, 5: 'Another run holds the lock of a table' }

export const running: ExitCodes = {
  ...locking,
  0: 'Everything that could run is done, or nothing was missing',
  1: 'A table failed, or several did for different reasons; the others have finished',
  ...interrupted,
}

export const comparing: ExitCodes = {
  ...asking,
  0: 'No difference',
  1: 'A comparison failed',
  4: 'Stale: differences, each with a known reason',
  ...interrupted,
}

export const testing: ExitCodes = { ...local, 0: 'All tests passed', 1: 'A test failed', ...interrupted }
