// Owns `backfill report`: one page about all networks that are asked for.
import { resolve } from 'node:path'
import { EXIT, usageError } from '../../model/errors.ts'
import type { Command, Context } from '../../session/command.ts'
import { withConnections } from '../../session/session.ts'
import { size } from '../../terminal/render/format.ts'
import { type Connections, openWorkspaceOn } from '../../workspace/open.ts'
import { nonEmpty, readFlag, selectors } from '../../workspace/values.ts'
import { readNetwork } from './network.ts'
import { replaceFile } from './output-file.ts'
import { type Page, pageOf } from './page.ts'

export const report: Command = async (context) => {
  const { config, flags, output } = context
  const name = readFlag(flags, 'output', nonEmpty) ?? 'report.html'
  if (name === '-' && flags.has('json'))
    throw usageError('--output - and --json exclude each other', 'keep one of them')
  const { html } = await withConnections(context, (connections) => readPage(context, connections, false))
  if (name === '-') {
    output.page(html)
    return EXIT.ok
  }
  const file = resolve(config.folder, name)
  await replaceFile(file, html)
  const bytes = Buffer.byteLength(html)
  if (flags.has('json')) output.json({ file, bytes })
  else if (!flags.has('quiet')) output.result([`Wrote ${name} (${size(bytes)}).`])
  return EXIT.ok
}

/** `live`: the page asks for itself again, now and then. @throws BackfillError `usage`, `server` */
export async function readPage(context: Context, connections: Connections, live: boolean): Promise<Page> {
  const { each = [context], flags, output } = context
  const networks: object[] = []
  for (const one of each)
    networks.push(
      await openWorkspaceOn(connections, one.config, selectors(flags), (session) =>
        readNetwork(one, session),
      ),
    )
  const network = each.length === 1 ? context.config.network.value : null
  return await pageOf(output.document({ command: 'report', network, live, networks }))
}
