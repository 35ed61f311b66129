// Owns the judgement of the tables: SQL files, sources and targets that are there, and where each transform runs.
import type { TableDefinition } from '../../../model/model.ts'
import { type Asked, type Diagnosis, evaluated, listed, verdicts } from './finding.ts'

export type TablesFacts = {
  readonly tables: readonly TableDefinition[]
  /** Names of the source tables and of the targets that exist, as far as the user may see them; undefined where nobody could be asked. */
  readonly sources: Asked<ReadonlySet<string>> | undefined
  readonly targets: Asked<ReadonlySet<string>> | undefined
  readonly databases: { readonly source: string; readonly target: string }
  /** Undefined where it is not known, because one does not answer. */
  readonly oneServer: boolean | undefined
}

export function evaluateTables({
  tables,
  sources,
  targets,
  databases,
  oneServer,
}: TablesFacts): readonly Diagnosis[] {
  const { source, target } = databases
  return [
    ...(sources === undefined
      ? []
      : evaluated('sources', source, sources, (there) => evaluateSources(tables, there, source))),
    ...(targets === undefined
      ? []
      : evaluated('targets', target, targets, (there) => [evaluateTargets(tables, there, target)])),
    ...(oneServer === undefined ? [] : evaluateModes(tables, oneServer)),
  ]
}

function evaluateSources(
  tables: readonly TableDefinition[],
  there: ReadonlySet<string>,
  database: string,
): readonly Diagnosis[] {
  const { ok, fail } = verdicts('sources', database)
  const wanted = [...new Set(tables.flatMap(({ sources }) => sources))]
  const missing = wanted.filter((name) => !there.has(name))
  if (missing.length === 0) return [ok(`all ${wanted.length} source tables are there`)]
  const which =
    missing.length === wanted.length ? 'none of the source tables is' : `not there: ${listed(missing)}`
  return [
    fail(
      missing.length === wanted.length ? `${which} there, or the user may not see them` : which,
      'Set SOURCE_CLICKHOUSE_DATABASE to their database (backfill info shows it), or GRANT SELECT on them',
    ),
  ]
}

function evaluateTargets(
  tables: readonly TableDefinition[],
  there: ReadonlySet<string>,
  database: string,
): Diagnosis {
  const { ok } = verdicts('targets', database)
  const missing = tables.filter(({ target }) => !there.has(target)).map(({ key }) => key)
  const are = `${tables.length - missing.length} of ${tables.length} derived tables are there`
  return missing.length === 0 ? ok(are) : ok(`${are}; \`backfill up\` creates ${listed(missing)}`)
}

function evaluateModes(tables: readonly TableDefinition[], oneServer: boolean): readonly Diagnosis[] {
  const { ok, fail } = verdicts('mode', '')
  if (oneServer) return tables.length === 0 ? [] : [ok(`inside one server: ${keys(tables)}`)]
  const derived = tables.filter(({ sources }) => sources.length === 0)
  const both = tables.filter(({ sources, after }) => sources.length > 0 && after.length > 0)
  const streamed = tables.filter((table) => !derived.includes(table) && !both.includes(table))
  return [
    ...(streamed.length === 0 ? [] : [ok(`streamed from the source to the target: ${keys(streamed)}`)]),
    ...(derived.length === 0 ? [] : [ok(`from derived tables, inside the target: ${keys(derived)}`)]),
    ...(both.length === 0
      ? []
      : [
          fail(
            `read source tables and derived tables, which are on different servers: ${keys(both)}`,
            'Split each into two transforms, or keep source and target on one server',
          ),
        ]),
  ]
}

function keys(tables: readonly TableDefinition[]): string {
  return tables.map(({ key }) => key).join(', ')
}
