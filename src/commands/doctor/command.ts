// Owns `backfill doctor`: whether servers, rights, storage, ledger and tables are fit for a run. It writes nothing.
import { runChecks } from './doctor.ts'
import { BackfillError, usageError } from '../../model/errors.ts'
import type { Catalogue, Network } from '../../model/model.ts'
import { duration, names, readFlag } from '../../workspace/values.ts'
import type { Command, Context } from '../../session/command.ts'
import { doctorExit, doctorFields, renderDoctor } from './render.ts'
import { withConnections } from '../../session/session.ts'

/** Enough for the proxies that cut soonest; --idle waits for longer. */
const IDLE_SECONDS = 3

export const doctor: Command = async (context) => {
  const { config, output, flags } = context
  const idleSeconds = Math.ceil((readFlag(flags, 'idle', duration) ?? IDLE_SECONDS * 1000) / 1000)
  if (idleSeconds < 1 || idleSeconds > 3000)
    throw usageError(`--idle must be a time from 1s to 50m, got '${flags.get('idle')?.text}'`)
  const { files, network } = await readFiles(context)
  const found = await withConnections(context, async (connections) => {
    const [{ openDoctor }, { namesFor }] = await Promise.all([
      import('./queries/ask.ts'),
      import('../../clickhouse/own-databases.ts'),
    ])
    const port = openDoctor({
      ...connections,
      names: namesFor(config.ledgerDatabase.value),
      network,
      cluster: config.cluster.value,
      alone: config.servers.kind === 'embedded',
    })
    output.message([`Asking the servers; this takes about ${idleSeconds + 1} s. Nothing is written.`])
    try {
      return await runChecks({ files, port, idleSeconds, runtime: runtime() })
    } finally {
      await port.close()
    }
  })
  if (flags.has('json')) output.json(doctorFields(found))
  else output.result(renderDoctor(found, output.resultColors).map(output.mask))
  return doctorExit(found)
}

/** Broken SQL files hide the tables, not the servers. What the person typed has to be right all the same. */
async function readFiles({ config, flags }: Context) {
  const { chooseTables, findNetwork, readCatalogue } = await import('../../project/sql-folder.ts')
  let catalogue: Catalogue
  try {
    catalogue = await readCatalogue(config.sql.value)
  } catch (error) {
    if (!(error instanceof BackfillError)) throw error
    return { files: { error }, network: unknownNetwork(config.network.value) }
  }
  const keys = readFlag(flags, 'tables', names) ?? catalogue.tables.map(({ key }) => key)
  return {
    files: { catalogue, tables: chooseTables(catalogue, keys) },
    network: findNetwork(catalogue, config.network.value),
  }
}

function unknownNetwork(name: string): Network {
  return { name, forks: {}, sourceGapBlocks: 1000, blockCoverage: {} }
}

function runtime() {
  const { deno, node } = process.versions
  return deno === undefined
    ? ({ runtime: 'Node', version: node } as const)
    : ({ runtime: 'Deno', version: deno } as const)
}
