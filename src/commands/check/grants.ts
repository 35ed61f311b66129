// Owns the finding for each missing right, with the GRANT to type.
import { missingGrantsOn, type Need, type NeedPlace } from '../../clickhouse/grants.ts'
import type { ServerRole } from '../../clickhouse/connection.ts'
import type { CheckServers, ServerCheck, ServerState } from './queries.ts'
import { type BackfillError, fileError } from '../../model/errors.ts'
import { requiredGrantsOf, type PlacedNeed } from './required-grants.ts'
import { quotedName } from '../../sql-syntax/quoting.ts'
import type { Report } from '../../sql-syntax/problems.ts'

/** Reports missing rights; returns the sources that the user may not read. @throws BackfillError `server` */
export async function checkGrants(
  check: ServerCheck,
  serverState: ServerState,
  report: Report,
): Promise<ReadonlySet<string>> {
  const { servers } = check
  const requiredGrants = requiredGrantsOf(check, serverState)
  const missingOn = (wanted: ServerRole) =>
    missingGrantsOn(
      servers[wanted],
      requiredGrants.filter(({ side }) => side === wanted),
    )
  const [ofSource, ofTarget] = await Promise.all([missingOn('source'), missingOn('target')])
  const missing = gathered([...ofSource, ...ofTarget], requiredGrants)
  missingGrants(servers, missing).forEach(report)
  return new Set(ofSource.flatMap(({ on }) => (on.kind === 'table' ? [on.table] : [])))
}

/** One finding for all missing rights on one table, database or engine. */
function missingGrants(
  servers: CheckServers,
  requiredGrants: readonly PlacedNeed[],
): readonly BackfillError[] {
  const groups = Map.groupBy(requiredGrants, ({ side, on }) => `${side} ${placeText(on)}`)
  return [...groups.values()].map(([first, ...others]) => {
    const { side, on, file, line } = first!
    const [user, place] = [servers[side].connection.username, placeText(on)]
    const privileges = [...new Set([first!, ...others].map(({ privilege }) => privilege))].join(', ')
    return fileError({
      rule: 'E080',
      file,
      line,
      sentence: `user '${user}' lacks ${privileges} ON ${place} on the ${side} server`,
      hint: `GRANT ${privileges} ON ${place} TO ${quotedName(user)}`,
    })
  })
}

/** If a right is missing on all checked tables of a database, it becomes one finding on the database. */
function gathered(missing: readonly PlacedNeed[], asked: readonly PlacedNeed[]): readonly PlacedNeed[] {
  const all = Map.groupBy(asked, groupOf)
  return [...Map.groupBy(missing, groupOf)].flatMap(([group, requiredGrants]) => {
    const [first] = requiredGrants
    if (
      first?.on.kind !== 'table' ||
      first.on.database === 'system' ||
      requiredGrants.length === 1 ||
      all.get(group)?.length !== requiredGrants.length
    )
      return requiredGrants
    return [{ ...first, on: { kind: 'database', database: first.on.database } }]
  })
}

function groupOf({ side, privilege, on }: Need): string {
  return [side, privilege, on.kind, on.kind === 'engine' ? on.engine : on.database].join('\n')
}

function placeText(on: NeedPlace): string {
  if (on.kind === 'engine') return on.engine
  return `${quotedName(on.database)}.${on.kind === 'database' ? '*' : quotedName(on.table)}`
}
