// Owns `backfill check`: it reports errors in the SQL folder and mismatches with the servers. It writes nothing without --fix.
import { closing } from '../../model/closing.ts'
import { checkDrafts, gatherFindings } from './files.ts'
import { EXIT, type Finding, usageError, type Report } from '../../model/errors.ts'
import type { TableDefinition } from '../../model/model.ts'
import type { Misfits, ServerCheck } from './queries.ts'
import { chooseTables, findNetwork } from '../../model/choose.ts'
import { severityOf } from '../../model/rules.ts'
import type { TableDraft } from '../../project/definition-checks.ts'
import { type Flags, nonEmpty, oneOf, readFlag, selectors } from '../../workspace/values.ts'
import { typedRange } from '../../terminal/one-table-one-range.ts'
import { namedBlocks, type Range } from '../../model/blocks.ts'
import { toolVersion } from '../../package-folder.ts'
import { type Command, type Context, withConnections } from '../../session/session.ts'
import { placeOf } from '../../workspace/open.ts'
import { assertPositions } from '../../workspace/run-options.ts'
import { inRepository } from '../../workspace/env-file.ts'
import { checkFields, type CheckReport, errorsOf, githubLines, renderCheck, sarif, tally } from './render.ts'

export const check: Command = async (context) => {
  const { config, output, flags } = context
  const { readSoundTests } = await import('../test/test-case.ts')
  const format = flags.has('json') ? 'json' : (readFlag(flags, 'format', oneOf(FORMATS)) ?? 'text')
  const split = typedSplit(flags)
  const fixed = flags.has('fix') ? await fix(context) : []
  const { gathering, catalogue, drafts, chosen, sound } = await readChosen(context)
  const { report } = gathering
  const known = drafts.map(({ key }) => key)
  const definitions = chosen.flatMap(({ definition }) => definition ?? [])
  if (split !== undefined) assertPositions(definitions, flags)
  // A test names a network: without networks no test can be read.
  const tested = catalogue.networks.length === 0 ? [] : definitions
  const tests = await readSoundTests(config.sql.value, { catalogue, chosen: tested, known }, report)

  const reviewed = inRepository(config.folder)
  const concerning = () => gathering.list().filter(isAbout(chosen, drafts))
  const print = (server: string | undefined): number => {
    const findings = concerning()
    const asked = new Set(sound.map(({ key }) => key))
    const done: CheckReport = {
      findings,
      tables: chosen.map(({ key }) => key),
      tests: tests.length,
      server,
      unasked: chosen.flatMap(({ key }) => (asked.has(key) ? [] : [key])),
      fixed,
    }
    if (format === 'json') output.json(checkFields(done))
    else if (format === 'github')
      output.page([...githubLines(findings, reviewed), tally(done, output.resultColors)].join('\n'))
    else if (format === 'sarif') output.page(JSON.stringify(sarif(findings, toolVersion(), reviewed)))
    else output.result(renderCheck(done, output.resultColors))
    return errorsOf(findings) === 0 ? EXIT.ok : EXIT.usage
  }
  if (flags.has('offline') || config.servers.kind === 'none') {
    const why = flags.has('offline') ? 'Offline' : 'No server is named (TARGET_CLICKHOUSE_URL)'
    output.message([`${why}: no server is asked.`])
    return print(undefined)
  }
  // Without networks and forks no server can be asked.
  if (catalogue.networks.length === 0) return print(undefined)
  try {
    return print(await askServers(context, { catalogue, tables: sound, split }, report))
  } catch (error) {
    // The caller reports an unreachable server; print the findings in the files before that.
    if (concerning().length > 0) print(undefined)
    throw error
  }
}

const FORMATS = ['text', 'github', 'sarif'] as const

type Split = { readonly table: string; readonly range: Range }

function typedSplit(flags: Flags): Split | undefined {
  const table = readFlag(flags, 'split', nonEmpty)
  if (table === undefined) return undefined
  const range = typedRange(flags, '--split')
  if (range.from === range.to)
    throw usageError(
      `--split cuts a range into pieces, and ${namedBlocks([range])} is one`,
      'add --to, for example --to a thousand after --from',
    )
  return { table, range }
}

/** The files as they are: all tables, the chosen ones, and those of them that are without an error. */
async function readChosen({ config, flags }: Context) {
  const { readFolders } = await import('../../project/sql-folder.ts')
  const gathering = gatherFindings()
  const { catalogue, drafts } = await readFolders(config.sql.value, gathering.report)
  const selectable = drafts.map(({ key, header: { after, tags } }) => ({ key, after, tags }))
  const { table } = typedSplit(flags) ?? {}
  const wanted = table === undefined ? selectors(flags) : [table]
  const keys = new Set(chooseTables({ tables: selectable }, wanted).map(({ key }) => key))
  const chosen = drafts.filter(({ key }) => keys.has(key))
  checkDrafts(drafts, catalogue, gathering.report)
  return { gathering, catalogue, drafts, chosen, sound: soundOf(chosen, gathering.list()) }
}

/** Returns the files that were written. @throws BackfillError `usage` without a server, or if a file cannot be written */
async function fix(context: Context): Promise<readonly string[]> {
  const { config, output } = context
  if (config.servers.kind === 'none')
    throw usageError('check --fix asks the server for types, and none is named', 'set TARGET_CLICKHOUSE_URL')
  const { gathering, catalogue, sound } = await readChosen(context)
  if (catalogue.networks.length === 0) return []
  const { writeRepairs } = await import('./fix.ts')
  const misfits: Misfits = new Map()
  await askServers(context, { catalogue, tables: sound, misfits }, gathering.report)
  const { written, lines } = await writeRepairs(config.sql.value.at(-1)!, misfits)
  output.message(lines)
  return written
}

/** Returns the name of the target that was asked: database and URL. */
async function askServers(
  context: Context,
  { split, ...asked }: Omit<ServerCheck, 'servers'> & { readonly split?: Split | undefined },
  report: Report,
): Promise<string> {
  const { config, output } = context
  const network = findNetwork(asked.catalogue, config.network.value)
  return await withConnections(context, async (connections) => {
    const { openSides } = await import('../../workspace/connect.ts')
    const { checkServer } = await import('./server.ts')
    return await closing(await openSides({ ...connections, ...placeOf(config) }), async (opened) => {
      const { source, target, names } = opened
      const [from, database = ''] = [source, target].map(
        ({ connection }) => `${connection.database} at ${connection.url}`,
      )
      const version = `ClickHouse ${target.info.version}`
      if (asked.misfits === undefined)
        output.message([`Asking ${version}: tables in ${database}, sources in ${from}. Nothing is written.`])
      const servers = { source, target, names, network }
      await checkServer({ servers, ...asked }, report)
      const table = asked.tables.find(({ key }) => key === split?.table)
      if (split !== undefined && table !== undefined) {
        const { checkSplit } = await import('./split.ts')
        const same = await checkSplit({ servers, table, range: split.range }, report)
        if (same !== undefined) output.message([same])
      }
      return database
    })
  })
}

function soundOf(chosen: readonly TableDraft[], findings: readonly Finding[]): readonly TableDefinition[] {
  const broken = new Set(findings.flatMap(({ rule, file }) => (severityOf(rule) === 'error' ? [file] : [])))
  return chosen.flatMap(({ definition }) =>
    definition === undefined || broken.has(definition.transform.file) || broken.has(definition.ddl.file)
      ? []
      : [definition],
  )
}

function isAbout(
  chosen: readonly TableDraft[],
  drafts: readonly TableDraft[],
): (finding: Finding) => boolean {
  const others = new Set(
    drafts.filter((draft) => !chosen.includes(draft)).flatMap(({ file, ddl }) => [file, ddl?.file]),
  )
  return ({ file }) => !others.has(file)
}
