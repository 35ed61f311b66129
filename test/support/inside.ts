// Owns the program run within the test's own process: for commands that are run a hundred times.
import { runCli } from '../../src/cli/run-cli.ts'
import type { Outcome } from './processes.ts'

/** Runs `backfill <argv>` to its end, with no more of an environment than `env`. */
export async function backfillInside(
  argv: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<Outcome> {
  const said = { stdout: '', stderr: '' }
  const stream = (name: keyof typeof said) =>
    ({ isTTY: false, write: (text: string) => (said[name] += text) }) as unknown as NodeJS.WriteStream
  const terminal = { stdout: stream('stdout'), stderr: stream('stderr'), env, cwd: () => process.cwd() }
  return { code: await runCli(argv, terminal), ...said }
}
