// Owns the course of `backfill doctor`: each login for itself, then what they have in common, then the target's insides.
import { existingTables } from '../../clickhouse/existing-tables.ts'
import type { ServerRole } from '../../clickhouse/grants.ts'
import { evaluateGrants } from './grants.ts'
import type { DoctorPort } from './queries/ask.ts'
import type { SidePort } from './queries/server.ts'
import { BackfillError } from '../../model/errors.ts'
import type { Catalogue, TableDefinition } from '../../model/model.ts'
import { evaluateCluster } from './checks/cluster.ts'
import { evaluateFlow, evaluateIdleTimeout } from './checks/connection.ts'
import {
  type Asked,
  type CheckId,
  CHECKS,
  type Diagnosis,
  type Refused,
  unknown,
  verdicts,
} from './checks/finding.ts'
import { evaluateLedger } from './checks/ledger.ts'
import {
  type About,
  evaluateClocks,
  evaluateNode,
  evaluateServer,
  type ServerFacts,
  unreached,
} from './checks/servers.ts'
import { evaluateSettings } from './checks/settings.ts'
import { evaluateStorage } from './checks/storage.ts'
import { evaluateTables } from './checks/tables.ts'

export type DoctorInput = {
  readonly port: DoctorPort
  /** The SQL files with the chosen tables, or what is wrong with them. */
  readonly files:
    | { readonly catalogue: Catalogue; readonly tables: readonly TableDefinition[] }
    | { readonly error: BackfillError }
  /** How long a connection has to live in silence, in seconds. */
  readonly idleSeconds: number
  readonly runtime: { readonly runtime: 'Node' | 'Deno'; readonly version: string }
}

/** All that was found, in the order of the checks. Reads only. */
export async function runChecks(input: DoctorInput): Promise<readonly Diagnosis[]> {
  const reached = await Promise.all(input.port.sides.map(reach))
  const asked = await Promise.all([
    ...reached.map((one) => aboutSide(input, one)),
    inCommon(input, reached),
    ...(trustedSides(reached).has('target') ? insideTarget(input) : []),
  ])
  const found = [evaluateNode(input.runtime), evaluateFiles(input), ...asked.flat()]
  const order = Object.keys(CHECKS)
  return found.toSorted((a, b) => order.indexOf(a.check) - order.indexOf(b.check))
}

type Reached = {
  readonly side: SidePort
  readonly facts: Asked<ServerFacts>
  readonly settings: readonly Diagnosis[]
}

async function reach(side: SidePort): Promise<Reached> {
  const facts = await side.reach()
  return { side, facts, settings: 'got' in facts ? evaluateSettings(await side.settings()) : [] }
}

/** It answers, and no profile cuts its answers off. */
function isTrusted({ facts, settings }: Reached): boolean {
  return 'got' in facts && !settings.some(({ check, verdict }) => check === 'profile' && verdict === 'fail')
}

function trustedSides(all: readonly Reached[]): ReadonlySet<ServerRole> {
  return new Set(all.filter(isTrusted).flatMap(({ side }) => side.sides))
}

function evaluateFiles({ files }: DoctorInput): Diagnosis {
  const { ok, fail } = verdicts('sql-files', '')
  return 'error' in files
    ? fail(`${files.error.message}; no table is examined`, 'backfill check --offline')
    : ok(`${files.tables.length} tables, no error`)
}

async function aboutSide({ port, idleSeconds }: DoctorInput, one: Reached): Promise<readonly Diagnosis[]> {
  const { side, facts, settings } = one
  const { about } = side
  if ('refused' in facts) return [unreached(about, facts.refused)]
  const way = isTrusted(one)
    ? await Promise.all([
        side.silence(idleSeconds).then((silence) => evaluateIdleTimeout(about, silence)),
        side.flow().then((flow) => evaluateFlow(about, flow)),
      ])
    : []
  return [...evaluateServer(facts.got, port.cluster !== undefined), ...way.flat(), ...settings]
}

/** What both sides have to do with: clocks, grants, tables. */
async function inCommon(
  { port, files }: DoctorInput,
  reached: readonly Reached[],
): Promise<readonly Diagnosis[]> {
  const facts = reached.flatMap(({ facts: asked }) => ('got' in asked ? [asked.got] : []))
  const [one, other] = facts
  const clocks = one && other ? [evaluateClocks(one.clock, other.clock)] : []
  const check = port.check()
  if (check === undefined || 'error' in files) return clocks
  const { catalogue, tables } = files
  const there = trustedSides(reached)
  const look = async (side: ServerRole, names: readonly string[]) =>
    there.has(side)
      ? await asking(async () => new Set((await existingTables(check[side], names)).keys()))
      : undefined
  const grants = reached
    .filter(({ side }) => side.sides.some((name) => there.has(name)))
    .map(({ side }) =>
      guarded('grants', side.about, () => evaluateGrants({ check, catalogue, tables, there }, side)),
    )
  const sourceNames = [...new Set(tables.flatMap(({ sources }) => sources))]
  const [sources, targets, ...rights] = await Promise.all([
    look('source', sourceNames),
    look(
      'target',
      tables.map(({ target }) => target),
    ),
    ...grants,
  ])
  const oneServer =
    facts.length < reached.length ? undefined : one?.identities[0] === (other ?? one)?.identities[0]
  return [
    ...clocks,
    ...rights.flat(),
    ...evaluateTables({ tables, sources, targets, databases: port.databases, oneServer }),
  ]
}

function insideTarget({ port, files }: DoctorInput): readonly Promise<readonly Diagnosis[]>[] {
  const { cluster } = port
  const tables = 'error' in files ? [] : files.tables
  const about: About = port.sides.find(({ sides }) => sides.includes('target'))!.about
  return [
    guarded('disk', about, async () => evaluateStorage(about, await port.storage(tables))),
    guarded('ledger', about, async () => evaluateLedger(await port.ledger(tables))),
    ...(cluster === undefined ? [] : [guarded('nodes', about, async () => evaluateCluster(await cluster()))]),
  ]
}

/** What `evaluate` says, or that a server refused. */
async function guarded(
  check: CheckId,
  about: About,
  evaluate: () => Promise<readonly Diagnosis[]>,
): Promise<readonly Diagnosis[]> {
  const asked = await asking(evaluate)
  return 'got' in asked ? asked.got : [unknown(check, about, asked.refused)]
}

/** An error of a server is an answer; a defect of this program is not. */
async function asking<T>(look: () => Promise<T>): Promise<Asked<T>> {
  try {
    return { got: await look() }
  } catch (error) {
    if (!(error instanceof BackfillError)) throw error
    const refused: Refused = { sentence: error.message, hint: error.hint }
    return { refused }
  }
}
