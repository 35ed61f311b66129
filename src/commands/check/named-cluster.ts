// Owns the finding about ON CLUSTER in a DDL file: a cluster that the server cannot create the table on.
import { hasKeeper } from '../../clickhouse/cluster/cluster.ts'
import type { Server } from '../../clickhouse/server.ts'
import { fileError } from '../../model/errors.ts'
import type { SqlText } from '../../model/model.ts'
import { createTable } from '../../sql-syntax/create-table.ts'
import type { Report } from '../../sql-syntax/problems.ts'

type Known = { readonly clusters: readonly string[]; readonly macros: Readonly<Record<string, string>> }

/** @throws BackfillError `server`; `usage` if the user may not see whether there is Keeper */
export async function checkNamedClusters(
  server: Server,
  ddls: readonly SqlText[],
  report: Report,
): Promise<void> {
  const named = ddls.flatMap((ddl) => {
    const { cluster } = createTable(ddl)
    return cluster === undefined ? [] : [{ ddl, ...cluster }]
  })
  if (named.length === 0) return
  const [keeper, [known]] = await Promise.all([
    hasKeeper(server),
    server.client.rows<Known>({
      query: `SELECT arraySort(groupUniqArray(cluster)) AS clusters,
        (SELECT groupArray((macro, substitution))::Map(String, String) FROM system.macros) AS macros FROM system.clusters`,
      doing: 'looking for its clusters',
    }),
  ])
  const { clusters, macros } = known!
  for (const { ddl, name, line } of named) {
    const lacking = [...name.matchAll(MACRO)].find(([, macro]) => !Object.hasOwn(macros, macro!))
    const meant = name.replaceAll(MACRO, (_, macro: string) => macros[macro] ?? '')
    const refuse = (sentence: string, hint: string) =>
      report(fileError({ rule: 'E070', file: ddl.file, line, sentence, hint }))
    if (lacking !== undefined)
      refuse(
        `the target server has no macro ${lacking[0]}`,
        `set it in the configuration of each server, or ${WITHOUT}`,
      )
    else if (!clusters.includes(meant))
      refuse(
        `the target server does not know the cluster '${meant}'`,
        clusters.length === 0
          ? `it has no clusters: ${WITHOUT}`
          : `it knows ${clusters.join(', ')}: name one of them, or ${WITHOUT}`,
      )
    else if (!keeper)
      refuse('ON CLUSTER needs Keeper, and the target server has none', `configure it, or ${WITHOUT}`)
  }
}

const WITHOUT = 'take ON CLUSTER out of the file'

const MACRO = /\{(\w+)\}/g
