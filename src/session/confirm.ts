// Owns the question before something that cannot simply be undone: asked in a terminal, answered by --yes elsewhere.
import { createInterface } from 'node:readline'
import { BackfillError, usageError } from '../model/errors.ts'
import type { Context } from './command.ts'

/**
 * Resolves when the person has said yes, or has typed --yes. `question` says what will be done to what, and ends with
 * a question mark: `Delete blocks 1-100 of mainnet.int_address_diffs?`. Ask before a lock is taken: people go for coffee.
 * @throws BackfillError `usage` where there is no terminal to ask in; `failed` where the answer is anything but yes
 */
export async function confirm(
  { flags, output }: Pick<Context, 'flags' | 'output'>,
  question: string,
): Promise<void> {
  if (flags.has('yes')) return
  // The global one: importing it would open stdin for every command. Both ends, or the question goes into a log file.
  const { stdin, stderr } = process
  if (!stdin.isTTY || !stderr.isTTY)
    throw usageError(
      `cannot ask for confirmation (not a terminal): ${output.mask(question)}`,
      'add --yes to do it; --dry-run shows what would be done',
    )
  const answer = await ask(`${output.mask(question)} [y/N] `, { stdin, stderr })
  if (!/^\s*y(es)?\s*$/i.test(answer))
    throw new BackfillError('not confirmed: nothing was changed', {
      kind: 'failed',
      hint: 'answer y or yes to go on, or add --yes',
    })
}

type Ends = Pick<NodeJS.Process, 'stdin' | 'stderr'>

/** One line from the terminal; '' where it ends (Ctrl-D). Not in raw mode: Ctrl-C ends the process as ever. */
function ask(prompt: string, { stdin, stderr }: Ends): Promise<string> {
  const lines = createInterface({ input: stdin, output: stderr, terminal: false })
  return new Promise((resolve) => {
    lines.on('close', () => resolve(''))
    lines.question(prompt, (answer) => {
      resolve(answer)
      lines.close()
    })
  })
}
