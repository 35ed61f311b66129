// Owns the finding about ON CLUSTER in a DDL file: a cluster that the server cannot create the table on.
import { hasKeeper } from '../../clickhouse/cluster/cluster.ts'
import type { Server } from '../../clickhouse/server.ts'
import { fileError } from '../../model/errors.ts'
import type { SqlText } from '../../model/model.ts'
import { createTable } from '../../sql-syntax/create-table.ts'
import type { Report } from '../../sql-syntax/problems.ts'

/** `macros` as the target has them. */
type Facts = {
  readonly clusters: readonly string[]
  readonly macros: Readonly<Record<string, string>>
  readonly keeper: boolean
}

/** @throws BackfillError `server`; `usage` if the user may not see whether there is Keeper */
export async function checkNamedClusters(
  server: Server,
  ddls: readonly SqlText[],
  report: Report,
): Promise<void> {
  const named = ddls
    .map((ddl) => ({ file: ddl.file, ...createTable(ddl).cluster }))
    .filter(({ name }) => name)
  if (named.length === 0) return
  const [keeper, [known]] = await Promise.all([
    hasKeeper(server),
    server.client.rows<Omit<Facts, 'keeper'>>({
      query: `SELECT arraySort(groupUniqArray(cluster)) AS clusters,
        (SELECT groupArray((macro, substitution))::Map(String, String) FROM system.macros) AS macros FROM system.clusters`,
      doing: 'looking for its clusters',
    }),
  ])
  for (const { file, name, line } of named) {
    const [sentence, hint] = problemOf(name!, { ...known!, keeper }) ?? []
    if (sentence === undefined) continue
    report(fileError({ rule: 'E070', file, line, sentence, hint: `${hint} take ON CLUSTER out of the file` }))
  }
}

function problemOf(
  name: string,
  { clusters, macros, keeper }: Facts,
): readonly [sentence: string, hint: string] | undefined {
  const lacking = [...name.matchAll(MACRO)].find(([, macro]) => !Object.hasOwn(macros, macro!))
  if (lacking !== undefined)
    return [`the target server has no macro ${lacking[0]}`, 'set it in the configuration of each server, or']
  const meant = name.replaceAll(MACRO, (_, macro: string) => macros[macro]!)
  if (!clusters.includes(meant))
    return [
      `the target server does not know the cluster '${meant}'`,
      clusters.length === 0 ? 'it has no clusters:' : `it knows ${clusters.join(', ')}: name one of them, or`,
    ]
  return keeper ? undefined : ['ON CLUSTER needs Keeper, and the target server has none', 'configure it, or']
}

const MACRO = /\{(\w+)\}/g
