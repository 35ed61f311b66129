// Owns one invocation: argv -> config -> command -> exit code; errors become lines.
import { EXIT, usageError } from '../model/errors.ts'
import { readCommandLine } from './command-line.ts'
import { QUESTION } from './completion/scripts.ts'
import { readConfig } from '../workspace/config.ts'
import { createOutput, type Terminal } from '../terminal/output.ts'
import { errorLines, exitCodeOf } from '../terminal/render/error.ts'
import { errorDocument } from '../terminal/render/json.ts'
import { toolVersion } from '../workspace/tool-version.ts'

/** Runs one command and resolves to the exit code; it never rejects. */
export async function runCli(argv: readonly string[], terminal: Terminal): Promise<number> {
  let output = createOutput(terminal, new Map(), [])
  try {
    if (argv[0] === QUESTION) {
      const { answerTab } = await import('./completion/answer.ts')
      output.result(
        answerTab({ argv: argv.slice(1), environment: terminal.env, folder: workingFolder(terminal) }),
      )
      return EXIT.ok
    }
    const invocation = readCommandLine(argv)
    if (invocation.kind === 'version') output.result([`backfill ${toolVersion()}`])
    if (invocation.kind !== 'command') return EXIT.ok
    const { entry, flags } = invocation
    const command = entry.name
    output = createOutput(terminal, flags, [], { command, network: null })
    const config = readConfig({ flags, environment: terminal.env, folder: workingFolder(terminal) })
    const hasNetwork = entry.flags.some(({ name }) => name === 'network')
    const network = hasNetwork ? config.network.value : null
    output = createOutput(terminal, flags, config.secrets, { command, network })
    const run = await entry.load()
    return await run({ flags, config, output })
  } catch (error) {
    if (argv.includes('--json')) output.json(errorDocument(error, exitCodeOf(error)))
    output.message(
      errorLines(error, { colors: output.messageColors, stack: terminal.env['BACKFILL_DEBUG'] === '1' }),
    )
    return exitCodeOf(error)
  }
}

/** @throws BackfillError `usage` if it has been removed */
function workingFolder(terminal: Terminal): string {
  try {
    return terminal.cwd()
  } catch {
    throw usageError('the working folder is gone', 'cd to a folder that exists')
  }
}
