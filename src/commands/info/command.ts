// Owns `backfill info`: every setting with its origin, and the servers. It prints the settings before it asks a server.
import { EXIT } from '../../model/errors.ts'
import type { Command } from '../../session/command.ts'
import { serverLines, settingLines } from './render.ts'
import { withWorkspace } from '../../session/session.ts'
import { toolVersion } from '../../workspace/tool-version.ts'

export const info: Command = async (context) => {
  const { config, output } = context
  const colors = output.resultColors
  output.result([`backfill ${toolVersion()} on ${runtime()}`, '', ...settingLines(config, colors)])
  return await withWorkspace(context, async (session) => {
    output.result(['', ...serverLines(session, config, colors)])
    return EXIT.ok
  })
}

function runtime(): string {
  const { deno, node } = process.versions
  return deno === undefined ? `Node ${node}` : `Deno ${deno}`
}
