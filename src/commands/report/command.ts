// Owns `backfill report`: one page about all networks that are asked for, and the file that it is written into.
import { resolve } from 'node:path'
import { EXIT, usageError } from '../../model/errors.ts'
import { type Command, type Context, withConnections } from '../../session/session.ts'
import { size } from '../../terminal/render/format.ts'
import { type Connections, openWorkspaceOn } from '../../workspace/open.ts'
import { nonEmpty, readFlag, selectors } from '../../workspace/values.ts'
import { readNetwork } from './network.ts'
import { type Page, pageOf } from './page.ts'
import { lstat, rename, rm, writeFile } from 'node:fs/promises'
import { randomId } from '../../seam/random.ts'

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

/** Readers have the earlier page or this one. A device is written as it is. @throws BackfillError `usage`, for a link too */
export async function replaceFile(file: string, text: string): Promise<void> {
  const found = await lstat(file).catch(() => undefined)
  if (found?.isSymbolicLink())
    throw usageError(`${file} is a link`, 'name the file itself with --output; - stands for standard output')
  const unfinished = `${file}.${randomId()}`
  try {
    if (found?.isFile() === false) return await writeFile(file, text)
    await writeFile(unfinished, text, { flag: 'wx' })
    await rename(unfinished, file)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    await rm(unfinished, { force: true })
    throw usageError(
      `cannot write ${file}: ${code}`,
      'name a file in a folder that can be written with --output',
    )
  }
}
