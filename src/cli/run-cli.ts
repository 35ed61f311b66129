// Owns one invocation: argv -> config -> command -> exit code; errors become lines.
import { EXIT, usageError } from '../model/errors.ts'
import type { Context } from '../session/session.ts'
import { COMMANDS } from './commands.ts'
import { readCommandLine } from './command-line.ts'
import { QUESTION } from './completion/scripts.ts'
import { withForkBlocks } from './fork-positions.ts'
import { INTERRUPTED, isSeveral, networksOf, severalError, worstOf } from './networks.ts'
import { withDocsPlaces, toolVersion } from '../package-folder.ts'
import { withTypedFlags } from './typed-hints.ts'
import { readConfig } from '../workspace/config.ts'
import { readOnce } from '../workspace/servers.ts'
import { type Flags, typedWords } from '../workspace/values.ts'
import { assertTogether, typedAt } from '../terminal/argv.ts'
import { createOutput, type Terminal } from '../terminal/output.ts'
import { errorLines, exitCodeOf } from '../terminal/render/error.ts'
import { errorDocument } from '../terminal/render/json.ts'

/** Runs one command and resolves to the exit code; it never rejects. */
export async function runCli(argv: readonly string[], terminal: Terminal): Promise<number> {
  let output = createOutput(terminal, new Map(), [])
  try {
    if (argv[0] === QUESTION) {
      const { answerTab } = await import('./completion/answer.ts')
      output.result(answerTab(argv.slice(1), terminal.env, workingFolder(terminal)))
      return EXIT.ok
    }
    const invocation = readCommandLine(argv)
    if (invocation.kind === 'version') output.result([`backfill ${toolVersion()}`])
    if (invocation.kind !== 'command') return EXIT.ok
    const { entry, flags } = invocation
    const folder = workingFolder(terminal)
    const command = entry.name
    const read = readOnce()
    const hasNetwork = entry.flags.some(({ name }) => name === 'network')
    const contextFor = (typed: Flags): Context => {
      const carry = (carried: Flags) => (text: string) =>
        withDocsPlaces(withTypedFlags(text, { name: command, flags: carried }, COMMANDS))
      output = createOutput(terminal, typed, [], { command, network: null }, carry(typed))
      const config = readConfig({ flags: typed, environment: terminal.env, folder, read })
      const network = hasNetwork ? config.network.value : null
      const needed = new Map([...typed].filter(([name]) => name !== 'sql' || !config.sql.isUsual))
      output = createOutput(terminal, typed, config.secrets, { command, network }, carry(needed))
      return { flags: typed, config, output }
    }
    const run = async (first: Context, each = [first]): Promise<number> => {
      const work = await entry.load()
      return await work({ ...first, flags: await withForkBlocks(first.flags, entry, first.config), each })
    }
    const typed = contextFor(flags)
    assertTogether(flags, entry)
    const named = typed.config.network.value
    if (!hasNetwork || !isSeveral(named)) return await run(typed)
    if (entry.networks === undefined) throw severalError(argv, named)
    const isTogether =
      entry.networks === 'together' ||
      (entry.together !== undefined && typedAt(flags, entry.together) !== undefined)
    const codes: number[] = []
    const each: Context[] = []
    for (const network of await networksOf(typed.config, flags)) {
      const context = contextFor(new Map([...flags, ...typedWords({ network })]))
      each.push(context)
      if (isTogether) continue
      const isRead = !flags.has('json') && !flags.has('quiet') && flags.get('log-format')?.text !== 'json'
      if (codes.length > 0 && isRead) output.result([''])
      codes.push(await run(context))
      if (codes.at(-1)! >= INTERRUPTED) break
    }
    return isTogether ? await run(each[0]!, each) : worstOf(codes)
  } catch (error) {
    if (argv.includes('--json')) output.json(errorDocument(error, exitCodeOf(error)))
    output.message(
      errorLines(error, { colors: output.messageColors, stack: terminal.env['BACKFILL_DEBUG'] === '1' }),
      'error',
    )
    return exitCodeOf(error)
  }
}

function workingFolder(terminal: Terminal): string {
  try {
    return terminal.cwd()
  } catch {
    throw usageError('the working folder is gone', 'cd to a folder that exists')
  }
}
