// Owns `--network a,b` and `--network all`, which a command works on one after the other.
import { columnsOf, findNetwork } from '../model/choose.ts'
import { closing } from '../model/closing.ts'
import { type BackfillError, EXIT, usageError } from '../model/errors.ts'
import { forShell } from './typed-hints.ts'
import type { Config } from '../workspace/config.ts'
import { type Flags, names } from '../workspace/values.ts'

/** The lowest exit code of an interruption, after which no other network is begun. */
export const INTERRUPTED = 129

/** `usage`: the command, typed as `argv`, works on one network, and several are named. */
export function severalError(argv: readonly string[], network: string): BackfillError {
  const typed = argv.filter((word, index) => !/^--network(=|$)/.test(word) && argv[index - 1] !== '--network')
  const command = ['backfill', ...typed.map(forShell), '--network'].join(' ')
  const each = network === 'all' ? ['<name>'] : names({ text: network, place: '--network' })
  return usageError(
    `\`${argv[0]}\` works on one network, and '${network}' are several`,
    `type it for each: ${each.map((name) => `\`${command} ${name}\``).join(', ')}`,
  )
}

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
