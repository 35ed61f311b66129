// Owns the rights that a run needs (docs/reference/permissions.md), and the finding for each that is missing.
import { columnsOf } from '../../model/choose.ts'
import { probedColumns } from '../../sources/rows.ts'
import { grantee } from '../../clickhouse/error-codes.ts'
import { missingGrantsOn, type Need, type NeedPlace } from '../../clickhouse/grants.ts'
import type { ServerRole } from '../../clickhouse/connection.ts'
import { type BackfillError, fileError, type Report } from '../../model/errors.ts'
import { quotedName } from '../../sql-syntax/quoting.ts'
import type { CheckServers, ServerCheck, ServerState } from './queries.ts'
import type { TableDefinition } from '../../model/model.ts'
import { ddlClauses } from '../../sql-syntax/ddl-clauses.ts'
import { ddlColumns } from '../../sql-syntax/create-table.ts'
import { significantTokens, unquoted } from '../../sql-syntax/lexer.ts'
import { listOf } from '../../terminal/render/format.ts'
import { tablesRead } from '../../sql-syntax/table-refs.ts'

/** Reports missing rights; returns the sources that the user may not read. @throws BackfillError `server` */
export async function checkGrants(
  check: ServerCheck,
  serverState: ServerState,
  report: Report,
): Promise<ReadonlySet<string>> {
  const { servers } = check
  const requiredGrants = requiredGrantsOf(check, serverState)
  const needs = Object.groupBy(requiredGrants, ({ side }) => side)
  const missingOn = (side: ServerRole) => missingGrantsOn(servers[side], needs[side] ?? [])
  const [ofSource, ofTarget] = await Promise.all([missingOn('source'), missingOn('target')])
  missingGrants(servers, gathered([...ofSource, ...ofTarget], requiredGrants)).forEach(report)
  return new Set(ofSource.flatMap(({ on }) => (on.kind === 'table' ? [on.table] : [])))
}

/** One finding for all missing rights on one table, database or engine. */
function missingGrants(
  servers: CheckServers,
  requiredGrants: readonly PlacedNeed[],
): readonly BackfillError[] {
  const groups = Map.groupBy(requiredGrants, ({ side, on }) => `${side} ${placeText(on)}`)
  return [...groups.values()].map((needs) => {
    const { side, on, file, line } = needs[0]!
    const { connection, info } = servers[side]
    const user = connection.username
    const right = `${[...new Set(needs.map(({ privilege }) => privilege))].join(', ')} ON ${placeText(on)}`
    const sentence = `user '${user}' lacks ${right} on the ${side} server`
    const held = info.changed.filter(([name]) => FORBIDDING.test(name))
    const isOfProfile = held.length > 0 && needs.some(({ privilege }) => privilege !== 'SELECT')
    const hint = isOfProfile
      ? `no GRANT is enough while its profile has ${settingsText(held)}: ALTER USER ${quotedName(user)} SETTINGS ${settingsText(held.map(([name, , fallback]) => [name, fallback]))}`
      : `GRANT ${right}${grantee(connection)}`
    return fileError({ rule: 'E080', file, line, sentence, hint })
  })
}

/** Settings of a profile that forbid statements whatever is granted; info has them if they differ from the default. */
const FORBIDDING = /^(readonly|allow_ddl)$/

const settingsText = (settings: readonly (readonly string[])[]): string =>
  settings.map(([name, value]) => `${name} = ${value}`).join(', ')

/** If a right is missing on all checked tables of a database, it becomes one finding on the database. */
function gathered(missing: readonly PlacedNeed[], asked: readonly PlacedNeed[]): readonly PlacedNeed[] {
  const all = Map.groupBy(asked, groupOf)
  return [...Map.groupBy(missing, groupOf)].flatMap(([group, needs]) => {
    const [{ on }] = needs as [PlacedNeed]
    const lacksAll = needs.length > 1 && all.get(group)?.length === needs.length
    if (on.kind !== 'table' || on.database === 'system' || !lacksAll) return needs
    return [{ ...needs[0]!, on: { kind: 'database', database: on.database } }]
  })
}

function groupOf({ side, privilege, on }: Need): string {
  return [side, privilege, on.kind, on.kind === 'engine' ? on.engine : on.database].join('\n')
}

function placeText(on: NeedPlace): string {
  if (on.kind === 'engine') return on.engine
  return `${quotedName(on.database)}.${on.kind === 'database' ? '*' : quotedName(on.table)}`
}

type Place = { readonly file: string; readonly line: number }
type PlacedNeed = Need & Place

function requiredGrantsOf(check: ServerCheck, { targets, databases }: ServerState): readonly PlacedNeed[] {
  const { servers, catalogue, tables } = check
  const { database } = servers.target.connection
  const { ledger, locks } = servers.names
  const absent = [ledger, locks].filter((name) => !databases.target.has(name))
  const ledgerNeed = (privilege: string, on: NeedPlace) => need(privilege, on, catalogue.ledger[0]!)
  return listOf(
    sourceGrants(check),
    !databases.target.has(database) && need('CREATE DATABASE', whole(database), tables[0]!.ddl),
    tables.flatMap(({ target, ddl, rows }) => {
      const on: NeedPlace = { kind: 'table', database, table: target }
      const engine = ddlClauses(ddl).engine?.name
      return listOf(
        !targets.has(target) && need('CREATE TABLE', on, ddl),
        !targets.has(target) && engine !== undefined && engineNeed(engine, ddl),
        need('SELECT', on, ddl),
        need('INSERT', on, ddl),
        rows.kind === 'per-block' && need('ALTER DELETE', on, ddl),
      )
    }),
    absent.map((name) => ledgerNeed('CREATE DATABASE', whole(name))),
    absent.includes(ledger) && [
      ledgerNeed('CREATE TABLE', whole(ledger)),
      engineNeed('MergeTree', catalogue.ledger[0]!),
    ],
    ['SELECT', 'INSERT'].map((privilege) => ledgerNeed(privilege, whole(ledger))),
    ledgerNeed('CREATE TABLE', whole(locks)),
    engineNeed('Null', catalogue.ledger[0]!),
    ['DROP TABLE', 'ALTER MODIFY COMMENT'].map((privilege) => ledgerNeed(privilege, whole(locks))),
    ['processes', 'mutations'].map((table) => ledgerNeed('SELECT', system(table))),
  )
}

const whole = (database: string): NeedPlace => ({ kind: 'database', database })

const system = (table: string): NeedPlace => ({ kind: 'table', database: 'system', table })

const need = (privilege: string, on: NeedPlace, { file, line }: Place): PlacedNeed => {
  return { side: 'target', privilege, on, file, line }
}

const engineNeed = (engine: string, at: Place) => need('TABLE ENGINE', { kind: 'engine', engine }, at)

/** The first line of a transform that reads the table. */
export function placeOfRead(
  tables: readonly TableDefinition[],
  name: string,
  side: ServerRole = 'source',
): Place {
  const { transform } = tables.find((table) => tablesRead(table.transform, side).has(name)) ?? tables[0]!
  return { file: transform.file, line: tablesRead(transform, side).get(name) ?? transform.line }
}

function sourceGrants({ servers, catalogue, tables }: ServerCheck): readonly PlacedNeed[] {
  return [...new Set(tables.flatMap(({ sources }) => sources))].map((source) => {
    const definition = catalogue.sources.find(({ table }) => table === source)
    const readers = tables.filter(({ sources }) => sources.includes(source))
    const mentioned = new Set(readers.flatMap(({ transform }) => significantTokens(transform).map(unquoted)))
    const probed = probedColumns(columnsOf(catalogue, source))
    // The grant may cover only these columns.
    const columns = (definition === undefined ? [] : ddlColumns(definition.ddl))
      .map(({ name }) => name)
      .filter((name) => mentioned.has(name) || probed.includes(name))
    const on: NeedPlace = {
      kind: 'table',
      database: servers.source.connection.database,
      table: source,
      columns,
    }
    return { side: 'source', privilege: 'SELECT', on, ...placeOfRead(tables, source) }
  })
}
