// Owns `backfill info`: every setting with its origin, the servers, the locks. What can be said without a server
// is printed before one is asked.
import { EXIT } from '../../model/errors.ts'
import type { Command } from '../../session/command.ts'
import { lockLines, modeLines, serverLines, settingLines } from './render.ts'
import { withWorkspace } from '../../session/session.ts'
import { toolVersion } from '../../workspace/tool-version.ts'

export const info: Command = async (context) => {
  const { config, output } = context
  const colors = output.resultColors
  output.result([`backfill ${toolVersion()} on ${runtime()}`, '', ...settingLines(config, colors)])
  return await withWorkspace(context, async (session) => {
    const { servers, compression, workspace, connected } = session
    output.result(['', ...serverLines({ servers, cluster: connected.target.cluster, config, colors })])
    const oneServer = servers.source.identity === servers.target.identity
    output.result(['', ...modeLines(workspace.chosen, { oneServer, compression }, colors)])
    output.result(['', ...lockLines(await session.workspace.ports.locks.holders(), colors)])
    return EXIT.ok
  })
}

function runtime(): string {
  const { deno, node } = process.versions
  return deno === undefined ? `Node ${node}` : `Deno ${deno}`
}
