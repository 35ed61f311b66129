// Owns the range that a person types for a command that needs one.
import { usageError } from '../model/errors.ts'
import type { Range } from '../model/model.ts'
import { blockNumber, readFlag, type Words } from './argv.ts'

/** --from and --to; --from alone is one block. `who` needs it: `preview`. @throws BackfillError `usage` */
export function typedRange(words: Words, who: string): Range {
  const from = readFlag(words, 'from', blockNumber)
  if (from === undefined)
    throw usageError(
      `${who} needs --from <N>, the first block`,
      'add --from, and --to for more than one block',
    )
  const to = readFlag(words, 'to', blockNumber) ?? from
  if (from > to) throw usageError(`--from ${from} is after --to ${to}`, 'swap them: the range goes upwards')
  return { from, to }
}
