// Owns the checks of `backfill check` on the servers: sources, transforms, existing tables, grants. Reads only.
import pLimit from 'p-limit'
import { checkGrants, placeOfRead } from './grants.ts'
import { existingDatabases, type ServerCheck, type ServerState } from './queries.ts'
import { checkExistingTable } from './existing-table.ts'
import { keptApart } from '../../sources/kept-apart.ts'
import { ownOfNodes } from '../../targets/own-of-nodes.ts'
import { checkAudits, checkTransform } from './transform.ts'
import { BackfillError, fileError, type Report } from '../../model/errors.ts'
import type { TableDefinition } from '../../model/model.ts'
import { namesRead } from '../../model/choose.ts'
import { ddlColumns } from '../../sql-syntax/create-table.ts'
import { existingTables } from '../../clickhouse/existing-tables.ts'
import { POLICY_HINT, rowPolicies } from '../../clickhouse/row-policies.ts'
import { viewProblems } from '../../clickhouse/source-views.ts'
import { ownTargetBehindSources } from '../../targets/own-target.ts'
import { tablesBehind } from '../../clickhouse/tables-behind.ts'
import { assertKept } from '../../clickhouse/table-identity.ts'
import { typeNames } from '../../clickhouse/server-words.ts'
import { readReadiness } from '../../sources/readiness.ts'
import { openTarget } from '../../targets/target.ts'

/** @throws BackfillError `server` if one is unreachable; `usage` if the ledger cannot be used as it is */
export async function checkServer(check: ServerCheck, report: Report): Promise<void> {
  const { servers, tables } = check
  const { target, names } = servers
  if (tables.length === 0) return
  await openTarget({ server: target, names })
    .ledgerState()
    .catch((error: unknown) => {
      // A ledger that the user may not see is a finding about grants.
      if ((error as BackfillError).kind !== 'server') throw error
    })
  await assertKept(target, names)
  const serverState = await readServerState(check)
  const denied = await checkGrants(check, serverState, report)
  reportMissingSources(check, serverState, denied, report)
  const safe = new Set(check.catalogue.sources.filter(({ safeView }) => safeView).map(({ table }) => table))
  const judged = sourcesOf(tables).filter((name) => !safe.has(name))
  const behind = await tablesBehind(servers.source, judged)
  for (const [rule, problems] of [
    ['E068', viewProblems(servers.source, behind)],
    ['W082', await keptApart(servers.source, behind)],
    ['W082', await ownOfNodes(servers, tables, check.catalogue)],
  ] as const)
    for (const { source, ...problem } of problems)
      report(fileError({ rule, ...placeOfRead(tables, source), ...problem }))
  for (const table of tables) {
    const sharding = serverState.targets.get(table.target)?.shards?.sharding
    const { database } = target.connection
    const found = ownTargetBehindSources(table, { database, sharding }, behind)
    if (found !== undefined) report(found)
  }
  const read = namesRead(tables, check.catalogue)
  for (const side of ['source', 'target'] as const)
    for (const { table, sentence } of await rowPolicies(servers[side], read[side])) {
      const own = side === 'target' && tables.find((one) => one.target === table)?.ddl
      const place = own ? { file: own.file, line: own.line } : placeOfRead(tables, table, side)
      report(fileError({ rule: 'W069', ...place, sentence, hint: POLICY_HINT }))
    }
  const { database } = servers.source.connection
  const place = { server: servers.source, database, network: servers.network.name }
  for (const definition of check.catalogue.sources)
    if (sourcesOf(tables).includes(definition.table))
      await readReadiness(place, [definition]).catch((error: unknown) => {
        if ((error as BackfillError).finding === undefined) throw error
        report(error as BackfillError)
      })
  const types = await typeNames(
    target,
    tables.flatMap(({ ddl }) => ddlColumns(ddl)).flatMap(({ type }) => type || []),
  )
  // A user may have few statements at once.
  const slot = pLimit(4)
  const each = tables.flatMap((table) => {
    const existing = serverState.targets.get(table.target)
    const compared = slot(() =>
      checkExistingTable({ target, table, first: tables[0]!.ddl, existing }, report),
    )
    const isCompared = compared.catch(() => false)
    return [
      compared,
      slot(() => checkTransform({ ...check, table, serverState, types, denied, isCompared }, report)),
      slot(() => checkAudits({ servers, table, serverState }, report)),
    ]
  })
  await Promise.all(
    each.map((one: Promise<unknown>) =>
      one.catch((error: unknown) => {
        if (!(error instanceof BackfillError)) throw error
        report(error)
      }),
    ),
  )
}

async function readServerState({ servers, catalogue, tables }: ServerCheck): Promise<ServerState> {
  const inputs = catalogue.tables.filter(({ key }) => tables.some(({ after }) => after.includes(key)))
  const { source, target } = servers
  const [sources, targets, inSource, inTarget] = await Promise.all([
    existingTables(source, sourcesOf(tables)),
    existingTables(
      target,
      [...tables, ...inputs].map((table) => table.target),
    ),
    existingDatabases(source),
    existingDatabases(target),
  ])
  return { sources, targets, databases: { source: inSource, target: inTarget } }
}

/** One finding for each missing source, or one for all if their database is missing. */
function reportMissingSources(
  { servers, tables }: ServerCheck,
  { sources, databases }: ServerState,
  denied: ReadonlySet<string>,
  report: Report,
): void {
  const { database } = servers.source.connection
  const missing = sourcesOf(tables).filter((source) => !sources.has(source) && !denied.has(source))
  const hasDatabase = databases.source.has(database)
  for (const source of hasDatabase ? missing : missing.slice(0, 1)) {
    const what = hasDatabase ? `table ${database}.${source}` : `database '${database}'`
    const sentence = `the source ${what} does not exist`
    report(fileError({ rule: 'E062', ...placeOfRead(tables, source), sentence, hint: WHERE }))
  }
}

const WHERE =
  'set SOURCE_CLICKHOUSE_DATABASE to the database of the source tables (backfill info shows it), or fix the file'

function sourcesOf(tables: readonly TableDefinition[]): readonly string[] {
  return [...new Set(tables.flatMap((table) => table.sources))]
}
