// Owns the warning about sources whose rows of one key may be in several tables: FINAL merges each table by itself.
import type { Server } from '../../clickhouse/server.ts'
import { type TableBehind, tablesBehind } from '../../clickhouse/tables-behind.ts'
import { ddlClauses, distributedEngine, shardingProblem } from '../../sql-syntax/ddl-clauses.ts'
import { isCollapsing } from '../../targets/compared-columns.ts'

/** @throws BackfillError `server` */
export async function keptApart(
  server: Server,
  sources: readonly string[],
): Promise<readonly { readonly source: string; readonly sentence: string; readonly hint: string }[]> {
  const all = await tablesBehind(server, sources)
  const asked = all.map(async (table) => {
    const isBehind = (one: TableBehind) =>
      table.behind.some((place) => PLACE.every((part) => place[part] === one[part]))
    const read = all.filter((one) => one.source === table.source && isCollapsing(one) && isBehind(one))
    const why =
      table.engine === 'Merge' && read.length > 1
        ? `merges rows inside of ${read.map(({ name }) => name).join(', ')}, not across them`
        : table.engine === 'Distributed' && read.length > 0
          ? await acrossShards(server, table, read[0]!)
          : undefined
    if (why === undefined) return []
    const { source, database, name, engine } = table
    const [own, front] = [`${server.connection.database}.${source}`, `${database}.${name}`]
    const what = own === front ? `is a ${engine} table` : `reads ${front}, a ${engine} table`
    const sentence = `the source ${own} ${what}, and FINAL ${why}: a row that was written again into another one would count twice`
    return [{ source, sentence, hint: HINT }]
  })
  return (await Promise.all(asked)).flat()
}

const PLACE = ['cluster', 'database', 'name'] as const

const HINT =
  'read one table, or write each row of a key into the same one; if that is so, write --! view: safe above the CREATE TABLE in sql/source/'

async function acrossShards(
  { client }: Pick<Server, 'client'>,
  { engineFull }: TableBehind,
  { name, definition }: TableBehind,
): Promise<string | undefined> {
  const engine = distributedEngine(engineFull)!
  const sortKey = ddlClauses({ file: name, text: definition, line: 1 }).sortKey?.names ?? []
  const problem = shardingProblem(engine, sortKey)
  if (problem === undefined) return undefined
  const [row] = await client.rows<{ readonly shards: number }>({
    query: `SELECT toUInt32(uniqExact(shard_num)) AS shards FROM system.clusters
      WHERE cluster IN (SELECT {name:String} UNION ALL SELECT substitution FROM system.macros WHERE concat('{', macro, '}') = {name:String})`,
    query_params: { name: engine.cluster },
    doing: 'looking for the shards of the sources',
  })
  return row!.shards > 1 ? `merges rows on each of ${row!.shards} shards by itself: ${problem}` : undefined
}
