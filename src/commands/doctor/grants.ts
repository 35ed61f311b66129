// Owns the rights of a login as doctor sees them: those of `check`, and those that a run does without at a price.
import { checkGrants, grantOf } from '../check/grants.ts'
import { type CheckServers, existingDatabases, lackingNeeds } from '../check/queries.ts'
import { existingTables } from '../../clickhouse/existing-tables.ts'
import type { Need, ServerRole } from '../../clickhouse/grants.ts'
import type { SidePort } from './queries/server.ts'
import type { Catalogue, TableDefinition } from '../../model/model.ts'
import { type Diagnosis, verdicts } from './checks/finding.ts'

export type GrantsQuestion = {
  readonly check: CheckServers
  readonly catalogue: Catalogue
  readonly tables: readonly TableDefinition[]
  /** The sides that answer. */
  readonly there: ReadonlySet<ServerRole>
}

/** @throws BackfillError `server`, `failed` */
export async function evaluateGrants(
  { check, catalogue, tables, there }: GrantsQuestion,
  { about, sides }: Pick<SidePort, 'about' | 'sides'>,
): Promise<readonly Diagnosis[]> {
  const { ok, warn, fail } = verdicts('grants', about)
  const own = new Set(sides)
  const found: Diagnosis[] = []
  await checkGrants(
    { servers: check, catalogue, tables, sides: own },
    await lookAround(check, tables, there),
    ({ finding }) => {
      const { rule, sentence, hint } = finding!
      found.push(rule === 'W081' ? warn(sentence, hint) : fail(sentence, hint))
    },
  )
  const missing =
    (await lackingNeeds(
      check,
      HELPFUL.filter(({ side }) => own.has(side)),
    )) ?? []
  return [
    ...found,
    ...HELPFUL.filter((need) => missing.includes(need)).map(({ privilege, on, side, loses }) => {
      const { right, text } = grantOf(privilege, on, check[side].connection.username)
      return warn(`user '${check[side].connection.username}' lacks ${right}: ${loses}`, text)
    }),
    ...(found.length + missing.length === 0 ? [ok('all that a run needs')] : []),
  ]
}

/** What exists needs no right to create it. */
async function lookAround(
  check: CheckServers,
  tables: readonly TableDefinition[],
  there: ReadonlySet<ServerRole>,
) {
  const { source, target, names } = check
  const databases = { source: new Set([source.connection.database]), target: new Set<string>() }
  if (!there.has('target')) return { sources: new Map(), targets: new Map(), databases }
  const [targets, existing] = await Promise.all([
    existingTables(
      target,
      tables.map((table) => table.target),
    ),
    existingDatabases(target, [target.connection.database, names.ledger, names.locks]),
  ])
  return { sources: new Map(), targets, databases: { ...databases, target: existing } }
}

type Helpful = Need & { readonly loses: string }

/** What a run can do without. */
const HELPFUL: readonly Helpful[] = [
  helpful('source', 'server_settings', "jobs and chunks are chosen without the server's memory"),
  helpful('source', 'asynchronous_metrics', "jobs are chosen without the server's load"),
  helpful('target', 'query_log', 'a chunk whose answer was lost runs again'),
]

function helpful(side: ServerRole, table: string, loses: string): Helpful {
  return { side, privilege: 'SELECT', on: { kind: 'table', database: 'system', table }, loses }
}
