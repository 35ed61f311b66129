// Owns `backfill import`: it loads Xatu's public files into the source tables, with the runner and the ledger.
import { closing } from '../../model/closing.ts'
import { shortName } from '../../model/model.ts'
import { PROGRAM_SQL } from '../../package-folder.ts'
import type { ConnectedWorkspace } from '../../workspace/connect.ts'
import { EXIT, usageError } from '../../model/errors.ts'
import {
  chooseImports,
  findChangedFiles,
  forgetChangedFiles,
  missingNotes,
  planImport,
  renderImport,
  unevenWarnings,
  wholeFiles,
} from './import.ts'
import { openFolder } from './files/folder-files.ts'
import { openWeb } from './files/web-files.ts'
import { FILE_BLOCKS, type FilesPort } from './files-port.ts'
import type { Range } from '../../model/blocks.ts'
import type { RunEvent } from '../../runner/events.ts'
import { duration, names, readFlag, type Flags } from '../../workspace/values.ts'
import { typedRange } from '../../terminal/one-table-one-range.ts'
import { type Command, type Context, withConnections } from '../../session/session.ts'
import { supervised } from '../../session/supervised-run.ts'
import { assertNamed, placeOf, readScope } from '../../workspace/open.ts'
import { assertPositions, upOptions } from '../../workspace/run-options.ts'
import { after } from '../../seam/clock.ts'
import { type Config, PUBLIC_URL } from '../../workspace/config.ts'
import { maskUrl } from '../../workspace/mask.ts'
import type { Setting } from '../../workspace/variables.ts'

const STALL_MS = 30_000

export const importCommand: Command = async (context) => {
  const { config, flags } = context
  const range = wholeFiles(typedRange(flags, 'import'))
  const place = placeOfFiles(config, flags)
  if (flags.has('dry-run')) return await plan(context, place, range)

  const ending = new AbortController()
  const whole = { from: undefined, to: undefined, lag: 0, chunk: FILE_BLOCKS, chunkRows: undefined }
  const options = { ...upOptions(context), ...whole }
  return await supervised(
    context,
    async (run) => {
      const endDownloads = () => void after(options.graceMs, () => ending.abort())
      run.signal.addEventListener('abort', endDownloads, { once: true })
      return await withImport(context, { place, range, signal: ending.signal }, async (opened) => {
        const { workspace } = opened
        const { up } = await import('../../runner/up.ts')
        if (flags.has('changed')) await forgetChangedFiles(opened, range, options, run)
        const skipped: Extract<RunEvent, { type: 'skipped' }>[] = []
        const report = (event: RunEvent) =>
          event.type === 'skipped' ? void skipped.push(event) : run.report(event)
        const summary = await up(workspace, options, { ...run, report })
        const keys = workspace.chosen.map(({ key }) => key)
        const missing = flags.has('json') ? skipped : missingNotes(skipped)
        for (const event of [...missing, ...unevenWarnings(skipped, keys)]) run.report(event)
        return run.finish(summary)
      })
    },
    'backfill import',
  )
}

async function plan(context: Context, place: Place, range: Range): Promise<number> {
  const { output, flags } = context
  const { signal } = new AbortController()
  return await withImport(context, { place, range, signal }, async (opened, files) => {
    const changed = flags.has('changed') ? await findChangedFiles(opened, range) : new Map()
    const found = await planImport(opened.workspace, files, { range, changed })
    output.answer(found, renderImport(found, output.resultColors))
    return EXIT.ok
  })
}

type Place = ReturnType<typeof placeOfFiles>

async function withImport<T>(
  context: Context,
  { place, range, signal }: { readonly place: Place; readonly range: Range; readonly signal: AbortSignal },
  use: (opened: ConnectedWorkspace, files: FilesPort) => Promise<T>,
): Promise<T> {
  const { config, flags, output } = context
  const { readImports } = await import('./sql.ts')
  const { catalogue, network } = await readScope(config, [])
  const tables = await readImports(PROGRAM_SQL, catalogue.sources)
  const chosen = chooseImports(tables, readFlag(flags, 'tables', names) ?? [])
  assertPositions(
    chosen.map(({ target, unit }) => ({ key: shortName(target), unit })),
    flags,
  )
  assertNamed(config.servers)
  const stallMs = readFlag(flags, 'stall', duration) ?? STALL_MS
  const files =
    place.folder === undefined
      ? await openWeb({ ...place, network: network.name, stallMs, signal })
      : await openFolder(place.folder, network.name)
  const asked = typedRange(flags, 'import')
  if (range.from !== asked.from || range.to !== asked.to)
    output.message([`A file has ${FILE_BLOCKS} blocks: importing ${range.from}-${range.to}.`])
  return await withConnections(context, async (connections) => {
    const { openImportWorkspace } = await import('./executor.ts')
    const target = placeOf(config)
    const parts = { network, catalogue, tables, chosen, files, range }
    const opened = await openImportWorkspace({ ...connections, ...target, ...parts })
    return await closing(opened, () => use(opened, files))
  })
}

/** A flag beats the environment. @throws BackfillError `usage` for both a URL and a folder, or an invalid URL */
function placeOfFiles({ importUrl, importFolder }: Config, flags: Flags) {
  const typed = { url: flags.has('import-url'), folder: flags.has('import-folder') }
  const url = typed.url || !typed.folder ? importUrl.value : undefined
  const folder = typed.folder || !typed.url ? importFolder.value : undefined
  if (url !== undefined && folder !== undefined)
    throw usageError(
      `files would come both from ${nameOf(importUrl)} and from ${nameOf(importFolder)}`,
      'keep one of them',
    )
  return { folder, baseUrl: url === undefined ? PUBLIC_URL : checkedUrl(importUrl) }
}

function checkedUrl(setting: Setting<string | undefined>): string {
  const text = setting.value!.trim()
  const url = URL.parse(text)
  const wrong = (what: string) =>
    usageError(
      `${nameOf(setting)} ${what}, got '${maskUrl(text)}'`,
      `the part before /<network>/databases/default, such as ${PUBLIC_URL}`,
    )
  if (url === null || !['http:', 'https:'].includes(url.protocol)) throw wrong('must be an http(s) URL')
  if (url.username !== '' || url.password !== '' || url.search !== '' || url.hash !== '')
    throw wrong('must have no user, no password and no query')
  return url.href.replace(/\/+$/, '')
}

function nameOf({ origin }: Setting<unknown>): string {
  return origin.replace(/^\S+ /, '')
}
