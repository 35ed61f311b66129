// Owns `backfill info`: every setting with its origin, the servers, the locks. What can be said without a server
// is printed before one is asked.
import { EXIT } from '../../model/errors.ts'
import type { Command } from '../../session/command.ts'
import { lockLines, modeLines, serverLines, settingLines } from './render.ts'
import { withWorld } from '../../session/session.ts'
import { toolVersion } from '../../workspace/tool-version.ts'

export const info: Command = async (context) => {
  const { config, output } = context
  const paint = output.resultPaint
  output.result([`backfill ${toolVersion()} on ${runtime()}`, '', ...settingLines(config, paint)])
  return await withWorld(context, async (session) => {
    const { servers, wire, world, connected } = session
    output.result(['', ...serverLines({ servers, cluster: connected.target.cluster, config, paint })])
    const oneServer = servers.source.identity === servers.target.identity
    output.result(['', ...modeLines(world.chosen, { oneServer, wire }, paint)])
    output.result(['', ...lockLines(await session.world.ports.locks.holders(), paint)])
    return EXIT.ok
  })
}

function runtime(): string {
  const { deno, node } = process.versions
  return deno === undefined ? `Node ${node}` : `Deno ${deno}`
}
