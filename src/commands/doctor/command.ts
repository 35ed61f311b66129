// Owns `backfill doctor`: it checks servers, connections, rights, storage and ledger before a run. Reads only.
import { BackfillError, usageError } from '../../model/errors.ts'
import { PROGRAM_SQL } from '../../workspace/config.ts'
import { duration, names, readFlag } from '../../workspace/values.ts'
import type { Command, Context } from '../../session/command.ts'
import { type Finding, findings } from './finding.ts'
import { doctorExit, doctorFields, renderDoctor } from './render.ts'
import { withConnections } from '../../session/session.ts'

/** Long enough for proxies with the shortest idle timeout; --idle sets a longer wait. */
const IDLE_SECONDS = 3

export const doctor: Command = async (context) => {
  const { config, output, flags } = context
  const idleSeconds = Math.ceil((readFlag(flags, 'idle', duration) ?? IDLE_SECONDS * 1000) / 1000)
  if (idleSeconds < 1 || idleSeconds > 3000)
    throw usageError(`--idle must be a time from 1s to 50m, got '${flags.get('idle')?.text}'`)
  const files = await readFiles(context)
  const found = await withConnections(context, async (connections) => {
    const { runChecks } = await import('./doctor.ts')
    output.message([`Asking the servers; this takes about ${idleSeconds + 1} s. Nothing is written.`])
    return await runChecks({
      ...connections,
      ...files,
      ledgerDatabase: config.ledgerDatabase.value,
      network: config.network.value,
      cluster: config.cluster.value,
      exclusive: config.servers.kind === 'embedded',
      idleSeconds,
    })
  })
  if (flags.has('json')) output.json(doctorFields(found))
  else output.result(renderDoctor(found, output.resultColors).map(output.mask))
  return doctorExit(found)
}

/** With broken SQL files no table is checked, but the servers are. The flags must be valid in either case. */
async function readFiles({ config, flags }: Context) {
  const { readSqlChecks } = await import('./sql-checks.ts')
  const { chooseTables, findNetwork, readCatalogue } = await import('../../project/sql-folder.ts')
  const { fail } = findings('sql-files', '')
  const broken: Finding[] = []
  const folder = config.sql.value
  const checks = await readSqlChecks([PROGRAM_SQL, folder], ({ message, hint }) =>
    broken.push(fail(message, hint ?? 'See docs/reference/doctor.md')),
  )
  const catalogue = await readCatalogue(folder).catch((error: unknown) => {
    if (!(error instanceof BackfillError)) throw error
    broken.push(fail(`${error.message}; no table was checked`, 'backfill check --offline'))
    return undefined
  })
  if (catalogue === undefined) return { checks, broken, tables: [] }
  findNetwork(catalogue, config.network.value)
  const keys = readFlag(flags, 'tables', names) ?? catalogue.tables.map(({ key }) => key)
  return { checks, broken, tables: chooseTables(catalogue, keys) }
}
