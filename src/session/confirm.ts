// Owns the confirmation of work that cannot be undone easily: a question in a terminal, --yes elsewhere.
import { createInterface } from 'node:readline'
import { failedError, usageError } from '../model/errors.ts'
import type { Context } from './session.ts'

/** Resolves on yes, or with --yes. Ask before taking a lock: an answer may take long. @throws `usage`, `failed` */
export async function confirm(
  { flags, output }: Pick<Context, 'flags' | 'output'>,
  question: string,
): Promise<void> {
  if (flags.has('yes')) return
  // The global `process`: importing it would open stdin for every command. Both stdin and stderr must be terminals;
  // otherwise the question would be written to a log file.
  const { stdin, stderr } = process
  if (!stdin.isTTY || !stderr.isTTY)
    throw usageError(
      `cannot ask for confirmation (not a terminal): ${output.mask(question)}`,
      'add --yes to do it; --dry-run shows what would be done',
    )
  const answer = await ask(`${output.shown(question)} [y/N] `, { stdin, stderr })
  if (!/^\s*y(es)?\s*$/i.test(answer))
    throw failedError('not confirmed: nothing was changed', 'answer y or yes to go on, or add --yes')
}

/** One line from the terminal; '' at its end (Ctrl-D). Not in raw mode, so that Ctrl-C ends the process as usual. */
function ask(prompt: string, { stdin, stderr }: Pick<NodeJS.Process, 'stdin' | 'stderr'>): Promise<string> {
  const lines = createInterface({ input: stdin, output: stderr, terminal: false })
  return new Promise((resolve) => {
    lines.on('close', () => resolve(''))
    lines.question(prompt, (answer) => {
      resolve(answer)
      lines.close()
    })
  })
}
