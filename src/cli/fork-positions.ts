// Owns names of forks as positions: `--from dencun`, `--to dencun-1`.
import { findNetwork } from '../model/choose.ts'
import { usageError, knownNames } from '../model/errors.ts'
import type { Config } from '../workspace/config.ts'
import type { Flags } from '../workspace/values.ts'
import type { CommandEntry } from '../session/session.ts'

/** Puts first blocks of forks in place of their names. @throws BackfillError `usage` */
export async function withForkBlocks(flags: Flags, entry: CommandEntry, config: Config): Promise<Flags> {
  const named = entry.flags.flatMap(({ name, as = name, value }) => {
    const word = value === '<block>' ? flags.get(as) : undefined
    const [, fork, offset] = /^([a-z]\w*?)([+-]\d{1,9})?$/.exec(word?.text ?? '') ?? []
    return word === undefined || fork === undefined ? [] : [{ as, word, fork, offset: Number(offset ?? 0) }]
  })
  if (named.length === 0) return flags
  const { readCatalogue } = await import('../project/sql-folder.ts')
  const { name, forks } = findNetwork(await readCatalogue(...config.sql.value), config.network.value)
  return new Map([
    ...flags,
    ...named.map(({ as, word, fork, offset }) => {
      const first = Object.hasOwn(forks, fork) ? forks[fork] : undefined
      if (first === undefined)
        throw usageError(
          `${word.place} must be a block number or a fork of ${name}, got '${word.text}'`,
          knownNames('forks', fork, Object.keys(forks)),
        )
      return [as, { ...word, text: String(Math.max(0, first + offset)) }] as const
    }),
  ])
}
