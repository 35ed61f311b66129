// Owns what is typed of networks: `--network a,b` and `--network all`, which a command works on one after the other, and names of forks as positions:
// `--from dencun`, `--to dencun-1`.
import { columnsOf, findNetwork } from '../model/choose.ts'
import { closing } from '../model/closing.ts'
import { EXIT, usageError, knownNames } from '../model/errors.ts'
import type { Config } from '../workspace/config.ts'
import { type Flags, names } from '../workspace/values.ts'
import type { CommandEntry } from '../session/session.ts'

/** The lowest exit code of an interruption, after which no other network is begun. */
export const INTERRUPTED = 129

export function isSeveral(network: string): boolean {
  return network === 'all' || network.includes(',')
}

/** The names; for `all` those that the sources have and networks.json knows. @throws BackfillError `usage`, `server` */
export async function networksOf(config: Config, flags: Flags): Promise<readonly string[]> {
  const text = config.network.value
  if (flags.has('watch')) throw usageError('--watch follows one network', 'name one with --network')
  const { readCatalogue } = await import('../project/sql-folder.ts')
  const catalogue = await readCatalogue(...config.sql.value)
  if (text !== 'all') {
    const named = names({ text, place: '--network' })
    // Before the first one is worked on: with exit code 2 nothing was written.
    for (const name of named) findNetwork(catalogue, name)
    return named
  }
  const [{ connectServers }, { openServer }, { networksIn }] = await Promise.all([
    import('../workspace/open.ts'),
    import('../clickhouse/server.ts'),
    import('../sources/source.ts'),
  ])
  const found = await connectServers(
    config,
    () => {},
    async ({ source }) =>
      closing(await openServer(source), (server) =>
        networksIn({ server, columnsOf: (name) => columnsOf(catalogue, name) }, [
          ...new Set(catalogue.tables.flatMap(({ sources }) => sources)),
        ]),
      ),
  )
  const known = found.filter((name) => catalogue.networks.some((one) => one.name === name))
  if (known.length > 0) return known
  throw usageError(
    'no source has rows of a network in networks.json',
    '`backfill import` fills the source tables',
  )
}

export function worstOf(codes: readonly number[]): number {
  const interrupted = codes.find((code) => code >= INTERRUPTED)
  return interrupted ?? SEVERITY.find((code) => codes.includes(code)) ?? EXIT.ok
}

const { server, usage, failed, absent, different, locked, pending, stale } = EXIT
const SEVERITY = [server, usage, failed, absent, different, locked, pending, stale]

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
