// Owns the warning about tables that each node has for itself: in a join or an IN beside a Distributed table, each shard takes its own rows of them.
import { onAllNodes } from '../clickhouse/cluster/cluster.ts'
import { ANSWERING } from '../clickhouse/cluster/replicas.ts'
import type { Server } from '../clickhouse/server.ts'
import { unlessRefused } from '../clickhouse/server-error.ts'
import { namesRead } from '../model/choose.ts'
import type { Catalogue, TableDefinition } from '../model/model.ts'
import { isKeyword, significantTokens } from '../sql-syntax/lexer.ts'

/** None where the sources are on another server: a transform reads no tables of both there. @throws BackfillError `server` */
export async function ownOfNodes(
  { source: { info, connection }, target: server }: Readonly<Record<'source' | 'target', Server>>,
  tables: readonly TableDefinition[],
  catalogue: Catalogue,
) {
  const { database } = connection
  if (info.identity !== server.info.identity || new Set(server.cluster?.nodes).size < 2) return []
  const joining = tables.filter(({ transform }) => {
    const tokens = significantTokens(transform)
    const has = (...words: readonly string[]) => tokens.some((token) => isKeyword(token, ...words))
    // Who has written GLOBAL knows of it.
    return has('JOIN', 'IN') && !has('GLOBAL')
  })
  const found = await server.client
    .rows<Readonly<Record<'source' | 'kind' | 'rows', string>> & { readonly differs: 0 | 1 }>({
      // A Replicated table whose path has no {shard} in it has the same rows on all.
      query: `SELECT name AS source, any(engine) AS kind, arrayStringConcat(groupArray(toString(total_rows)), ', ') AS rows,
          uniqExact(total_rows) > 1 AND NOT any(engine LIKE 'Replicated%' AND position(engine_full, '{shard}') = 0) AS differs
        FROM (SELECT * FROM ${onAllNodes(server, 'system.tables')} WHERE database = {database:String} AND has({names:Array(String)}, name) ORDER BY _shard_num)
        GROUP BY name ORDER BY name`,
      query_params: { database, names: namesRead(joining, catalogue).source },
      clickhouse_settings: ANSWERING,
      doing: 'looking for tables that each node has for itself',
    })
    .catch(unlessRefused([]))
  const isFront = (name: string) =>
    found.some(({ kind, source }) => kind === 'Distributed' && source === name)
  // The table itself is the first of the target's.
  const beside = joining
    .map((table) => namesRead([table], catalogue))
    .flatMap(({ source, target }) => (target.length > 1 || source.some(isFront) ? source : []))
  const safe = catalogue.sources.filter(({ safeView }) => safeView).map(({ table }) => table)
  const own = found.filter((one) => one.differs && beside.includes(one.source) && !safe.includes(one.source))
  return own.map(({ source, rows }) => ({
    source,
    sentence: `each node has rows of its own in ${database}.${source} (${rows}), and it is joined with a Distributed table: each shard takes those that it has itself`,
    hint: 'write GLOBAL before JOIN and IN, or make it the same on all nodes; if it is, write --! view: safe above the CREATE TABLE in sql/source/',
  }))
}
