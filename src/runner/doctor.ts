// Owns the course of `backfill doctor`: each login for itself, then what they have in common, then the target's insides.
import { checkGrants, grantOf } from './check-grants.ts'
import type { CheckPort, Need, Side } from './check-port.ts'
import type { DoctorPort, SidePort } from './doctor-port.ts'
import { BackfillError } from './errors.ts'
import type { Catalogue, TableDefinition } from './model.ts'
import { judgeCluster } from './pure/doctor-cluster.ts'
import { judgeFlow, judgeSilence } from './pure/doctor-connection.ts'
import {
  type Asked,
  type CheckId,
  CHECKS,
  type Diagnosis,
  type Refused,
  unknown,
  verdicts,
} from './pure/doctor-finding.ts'
import { judgeLedger } from './pure/doctor-ledger.ts'
import {
  type About,
  judgeClocks,
  judgeNode,
  judgeServer,
  type ServerFacts,
  unreached,
} from './pure/doctor-servers.ts'
import { judgeSettings } from './pure/doctor-settings.ts'
import { judgeStorage } from './pure/doctor-storage.ts'
import { judgeTables } from './pure/doctor-tables.ts'

export type Patient = {
  readonly port: DoctorPort
  readonly catalogue: Catalogue
  /** None where the SQL files are broken. */
  readonly tables: readonly TableDefinition[]
  /** What is wrong with the SQL files; undefined where they are sound. */
  readonly filesError: BackfillError | undefined
  readonly cluster: string | undefined
  /** How long a connection has to live in silence, in seconds. */
  readonly idleSeconds: number
  readonly runtime: { readonly runtime: 'Node' | 'Deno'; readonly version: string }
}

/** All that was found, in the order of the checks. Reads only. */
export async function examine(patient: Patient): Promise<readonly Diagnosis[]> {
  const { port } = patient
  const reached = await Promise.all(port.sides.map(async (side) => ({ side, facts: await side.reach() })))
  const found = await Promise.all([
    judgeNode(patient.runtime),
    judgeFiles(patient),
    ...reached.map(({ side, facts }) => aboutSide(patient, side, facts)),
    inCommon(patient, reached),
    ...(reachedSides(reached).has('target') ? insideTarget(patient) : []),
  ])
  const order = Object.keys(CHECKS)
  return found.flat().toSorted((a, b) => order.indexOf(a.check) - order.indexOf(b.check))
}

type Reached = { readonly side: SidePort; readonly facts: Asked<ServerFacts> }

function reachedSides(all: readonly Reached[]): ReadonlySet<Side> {
  return new Set(all.flatMap(({ side, facts }) => ('got' in facts ? side.sides : [])))
}

function judgeFiles({ tables, filesError }: Patient): Diagnosis {
  const { ok, fail } = verdicts('sql-files', '')
  return filesError === undefined
    ? ok(`${tables.length} tables, no error`)
    : fail(`${filesError.message}; no table is examined`, 'backfill check --offline')
}

async function aboutSide(
  { cluster, idleSeconds }: Patient,
  side: SidePort,
  facts: Asked<ServerFacts>,
): Promise<readonly Diagnosis[]> {
  const { about } = side
  if ('refused' in facts) return [unreached(about, facts.refused)]
  const [silence, flow, settings] = await Promise.all([
    side.silence(idleSeconds),
    side.flow(),
    side.settings(),
  ])
  return [
    ...judgeServer(facts.got, cluster !== undefined),
    ...judgeSilence(about, silence),
    ...judgeFlow(about, flow),
    ...judgeSettings(settings),
  ]
}

/** What both sides have to do with: grants, tables, clocks. */
async function inCommon(
  { port, catalogue, tables, filesError }: Patient,
  reached: readonly Reached[],
): Promise<readonly Diagnosis[]> {
  const facts = reached.flatMap(({ facts: asked }) => ('got' in asked ? [asked.got] : []))
  const [one, other] = facts
  const clocks = one && other ? [judgeClocks(one.clock, other.clock)] : []
  const check = port.check()
  if (check === undefined || filesError !== undefined || tables.length === 0) return clocks
  const there = reachedSides(reached)
  const look = (side: Side, names: readonly string[]) =>
    there.has(side)
      ? asking(async () => new Set((await check.tables(side, names)).keys()))
      : Promise.resolve(AWAY)
  const [sources, targets, grants] = await Promise.all([
    look('source', [...new Set(tables.flatMap((table) => table.sources))]),
    look(
      'target',
      tables.map((table) => table.target),
    ),
    Promise.all(
      reached.map(({ side, facts: asked }) =>
        'got' in asked ? aboutGrants({ check, catalogue, tables, there }, side) : [],
      ),
    ),
  ])
  const oneServer =
    facts.length < reached.length ? undefined : one?.identities[0] === (other ?? one)?.identities[0]
  return [
    ...clocks,
    ...grants.flat(),
    ...judgeTables({ tables, sources, targets, databases: port.databases, oneServer }).filter(
      ({ check: id }) =>
        (id !== 'sources' || there.has('source')) && (id !== 'targets' || there.has('target')),
    ),
  ]
}

const AWAY = { refused: { sentence: 'the server was not reached' } } as const

type Grants = {
  readonly check: CheckPort
  readonly catalogue: Catalogue
  readonly tables: readonly TableDefinition[]
  readonly there: ReadonlySet<Side>
}

async function aboutGrants(
  { check, catalogue, tables, there }: Grants,
  { about, sides }: SidePort,
): Promise<readonly Diagnosis[]> {
  const { ok, warn, fail } = verdicts('grants', about)
  const found: Diagnosis[] = []
  const asked = await asking(async () => {
    const { source, target } = check.databases
    const { ledger, locks } = check.ledger
    const some = new Set(sides)
    const port: CheckPort = {
      ...check,
      lacking: (needs) => check.lacking(needs.filter(({ side }) => some.has(side))),
    }
    const names = tables.map((table) => table.target)
    const standing = {
      sources: new Map(),
      targets: there.has('target') ? await check.tables('target', names) : new Map(),
      databases: {
        source: new Set([source]),
        target: there.has('target')
          ? await check.existing('target', [target, ledger, locks])
          : new Set<string>(),
      },
    }
    await checkGrants({ port, catalogue, tables }, standing, ({ finding }) => {
      const { rule, sentence, hint } = finding!
      found.push(rule === 'W081' ? warn(sentence, hint) : fail(sentence, hint))
    })
    const wanted = WANTED.filter(({ side }) => some.has(side))
    for (const need of (await check.lacking(wanted)) ?? []) {
      const { privilege, on, side } = need
      const grant = grantOf(privilege, on, check.users[side])
      found.push(warn(`without ${grant.right} ${(need as Wanted).loses}`, grant.text))
    }
  })
  if ('refused' in asked) return [unknown('grants', about, asked.refused)]
  return found.length > 0 ? found : [ok('all that a run needs')]
}

type Wanted = Need & { readonly loses: string }

/** What a run can do without. */
const WANTED: readonly Wanted[] = [
  ...['server_settings', 'asynchronous_metrics'].map((table) =>
    wanted('source', table, "jobs and chunks are chosen without the server's load and memory"),
  ),
  wanted('target', 'query_log', 'a chunk whose answer was lost runs again'),
]

function wanted(side: Side, table: string, loses: string): Wanted {
  return { side, privilege: 'SELECT', on: { kind: 'table', database: 'system', table }, loses }
}

function insideTarget({ port, tables, cluster }: Patient): readonly Promise<readonly Diagnosis[]>[] {
  const about: About = port.sides.find(({ sides }) => sides.includes('target'))!.about
  const guarded = (check: CheckId, look: () => Promise<readonly Diagnosis[]>) =>
    asking(look).then((asked) => ('got' in asked ? asked.got : [unknown(check, about, asked.refused)]))
  return [
    guarded('disk', async () => judgeStorage(about, await port.storage(tables))),
    guarded('ledger', async () => judgeLedger(await port.ledger(tables))),
    ...(cluster === undefined
      ? []
      : [guarded('nodes', async () => judgeCluster(await port.cluster(cluster)))]),
  ]
}

/** An error of a server is an answer; a defect of this program is not. */
async function asking<T>(look: () => Promise<T>): Promise<Asked<T>> {
  try {
    return { got: await look() }
  } catch (error) {
    if (!(error instanceof BackfillError)) throw error
    const refused: Refused = { sentence: error.message, cure: error.hint }
    return { refused }
  }
}
