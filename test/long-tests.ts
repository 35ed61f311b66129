// Owns which test files `npm test` leaves out: each costs 14 s of CPU or more. `npm run test:long` runs them, and CI runs both; a file
// that is named is always run.

/** Whether a command line of vitest names files or tests: `vitest run [filter…] [flags]`. */
export const areNamed = (argv: readonly string[]): boolean =>
  argv.slice(2).some((arg) => !arg.startsWith('-') && !MODES.includes(arg))

const MODES: readonly string[] = ['run', 'list', 'watch']

export const LONG: readonly string[] = [
  'test/cli/deno.server.test.ts',
  'test/cli/endings.server.test.ts',
  'test/cli/from-the-scripts.server.test.ts',
  'test/cli/json.server.test.ts',
  'test/clickhouse/long-parameters.server.test.ts',
  'test/clickhouse/profiles.server.test.ts',
  'test/clickhouse/source-permissions.server.test.ts',
  'test/clickhouse/target-permissions.server.test.ts',
  'test/commands/accept/accept.server.test.ts',
  'test/commands/adopt/adopt.server.test.ts',
  'test/commands/check/rules.server.test.ts',
  'test/commands/demo/demo.server.test.ts',
  'test/commands/doctor/target.server.test.ts',
  'test/commands/import/killed.server.test.ts',
  'test/commands/rebuild/killed.server.test.ts',
  'test/commands/redo/killed.server.test.ts',
  'test/commands/redo/rest.server.test.ts',
  'test/commands/redo/stale-tables.server.test.ts',
  'test/commands/report/report.server.test.ts',
  'test/commands/status/absence.server.test.ts',
  'test/commands/status/accepted.server.test.ts',
  'test/commands/status/lost-parts.server.test.ts',
  'test/commands/status/odd-tables.server.test.ts',
  'test/commands/test/command.server.test.ts',
  'test/commands/test/shipped-tests.server.test.ts',
  'test/commands/verify/differences.server.test.ts',
  'test/commands/verify/late-sources.server.test.ts',
  'test/ledger/seen-tables.server.test.ts',
  'test/models/models.server.test.ts',
  'test/packaging/jsr.server.test.ts',
  'test/packaging/pack.server.test.ts',
  'test/planning/kept-probe.server.test.ts',
  'test/planning/stale-ranges.server.test.ts',
  'test/runner/audits.server.test.ts',
  'test/runner/identity.server.test.ts',
  'test/runner/killed-two-servers.server.test.ts',
  'test/runner/lost-and-other-rows.server.test.ts',
  'test/runner/lost-answers.server.test.ts',
  'test/runner/real-data.server.test.ts',
  'test/runner/replaced-tables.server.test.ts',
  'test/runner/retries.server.test.ts',
  'test/runner/run-reports.server.test.ts',
  'test/runner/steering.server.test.ts',
  'test/runner/stopped.server.test.ts',
  'test/simulation/facts.server.test.ts',
]
