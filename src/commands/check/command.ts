// Owns `backfill check`: it reports errors in the SQL folder and mismatches with the servers. It writes nothing.
import { checkDrafts, gatherFindings } from './files.ts'
import { EXIT, type Finding } from '../../model/errors.ts'
import type { TableDefinition } from '../../model/model.ts'
import type { ServerCheck } from './queries.ts'
import { chooseTables, findNetwork } from '../../model/choose.ts'
import type { Report } from '../../sql-syntax/problems.ts'
import { severityOf, RULES } from '../../model/rules.ts'
import type { TableDraft } from '../../project/definition-checks.ts'
import { oneOf, readFlag, selectors } from '../../workspace/values.ts'
import { toolVersion } from '../../workspace/tool-version.ts'
import { githubLines, sarif } from './ci-formats.ts'
import type { Command, Context } from '../../session/command.ts'
import { withConnections } from '../../session/session.ts'
import { placeOf } from '../../workspace/open.ts'
import { oneLine } from '../../terminal/render/error.ts'
import { type Colors, count, listOf } from '../../terminal/render/format.ts'

export const check: Command = async (context) => {
  const { config, output, flags } = context
  const { readFolders } = await import('../../project/sql-folder.ts')
  const { readSoundTests } = await import('../test/files.ts')
  const format = flags.has('json') ? 'json' : (readFlag(flags, 'format', oneOf(FORMATS)) ?? 'text')
  const gathering = gatherFindings()
  const { report } = gathering
  const { catalogue, drafts } = await readFolders(config.sql.value, report)
  const selectable = drafts.map(({ key, header: { after, tags } }) => ({ key, after, tags }))
  const keys = new Set(chooseTables({ tables: selectable }, selectors(flags)).map(({ key }) => key))
  const chosen = drafts.filter(({ key }) => keys.has(key))
  checkDrafts(drafts, report)
  const known = drafts.map(({ key }) => key)
  const definitions = chosen.flatMap(({ definition }) => definition ?? [])
  // A test names a network: without networks no test can be read.
  const tested = catalogue.networks.length === 0 ? [] : definitions
  const tests = await readSoundTests(config.sql.value, { catalogue, chosen: tested, known }, report)

  const concerning = () => gathering.list().filter(isAbout(chosen, drafts))
  const sound = soundOf(chosen, gathering.list())
  const print = (server: string | undefined): number => {
    const findings = concerning()
    const asked = new Set(sound.map(({ key }) => key))
    const done: CheckReport = {
      findings,
      tables: chosen.map(({ key }) => key),
      tests: tests.length,
      server,
      unasked: chosen.flatMap(({ key }) => (asked.has(key) ? [] : [key])),
    }
    if (format === 'json') output.json(checkFields(done))
    else if (format === 'github')
      output.page([...githubLines(findings), tally(done, output.resultColors)].join('\n'))
    else if (format === 'sarif') output.page(JSON.stringify(sarif(findings, toolVersion())))
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
    return print(await askServers(context, { catalogue, tables: sound }, report))
  } catch (error) {
    // The caller reports an unreachable server; print the findings in the files before that.
    if (concerning().length > 0) print(undefined)
    throw error
  }
}

const FORMATS = ['text', 'github', 'sarif'] as const

/** Returns the name of the target that was asked: database and URL. */
async function askServers(
  context: Context,
  { catalogue, tables }: Pick<ServerCheck, 'catalogue' | 'tables'>,
  report: Report,
): Promise<string> {
  const { config, output } = context
  const network = findNetwork(catalogue, config.network.value)
  return await withConnections(context, async (connections) => {
    const { openSides } = await import('../../workspace/connect.ts')
    const { checkServer } = await import('./server.ts')
    const opened = await openSides({ ...connections, ...placeOf(config) })
    try {
      const { source, target, names } = opened
      const [from, asked = ''] = [source, target].map(
        ({ connection }) => `${connection.database} at ${connection.url}`,
      )
      const version = `ClickHouse ${target.info.version}`
      output.message([`Asking ${version}: tables in ${asked}, sources in ${from}. Nothing is written.`])
      await checkServer({ servers: { source, target, names, network }, catalogue, tables }, report)
      return asked
    } finally {
      await opened.close()
    }
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

type CheckReport = {
  readonly findings: readonly Finding[]
  readonly tables: readonly string[]
  readonly tests: number
  readonly server: string | undefined
  /** Keys of tables that were not checked on the server, because their files have errors. */
  readonly unasked: readonly string[]
}

function renderCheck(report: CheckReport, colors: Colors): readonly string[] {
  return [...report.findings.map((finding) => findingLine(finding, colors)), tally(report, colors)]
}

function checkFields({ findings, unasked, ...report }: CheckReport): object {
  const errors = errorsOf(findings)
  return {
    ...report,
    notAskedAbout: unasked,
    findings: findings.map(({ sentence, hint, ...finding }) => ({
      ...finding,
      name: RULES[finding.rule],
      severity: severityOf(finding.rule),
      line: finding.line ?? 1,
      message: oneLine(sentence),
      hint: oneLine(hint),
    })),
    errors,
    warnings: findings.length - errors,
  }
}

function errorsOf(findings: readonly Finding[]): number {
  return findings.filter(({ rule }) => severityOf(rule) === 'error').length
}

function findingLine({ rule, file, line, sentence, hint }: Finding, colors: Colors): string {
  const brush = severityOf(rule) === 'error' ? colors.red : colors.yellow
  const head = `${colors.bold(`${file}:${line ?? 1}:`)} ${brush(`${rule} ${RULES[rule]}:`)}`
  return `${head} ${oneLine(sentence)}; ${colors.dim(oneLine(hint))}`
}

function tally({ findings, tables, tests, server, unasked }: CheckReport, colors: Colors): string {
  const errors = errorsOf(findings)
  const warnings = findings.length - errors
  const found = listOf(
    errors === 0 ? colors.green('no errors') : colors.red(count(errors, 'error')),
    warnings > 0 && colors.yellow(count(warnings, 'warning')),
  ).join(', ')
  const against = server === undefined ? 'without a server' : `against ${server}`
  const left =
    server === undefined || unasked.length === 0
      ? ''
      : `; not checked on the server: ${unasked.join(', ')} (fix their files first)`
  return `Checked ${count(tables.length, 'table')} and ${count(tests, 'unit test')} ${against}: ${found}${left}`
}
