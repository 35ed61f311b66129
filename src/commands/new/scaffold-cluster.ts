// Owns the text of a new table's DDL for a cluster: what its DDL for one server makes, on every shard.

/** @param ddl as scaffold() writes it: comments on lines of their own, one clause a line */
export function clusterDdlText(ddl: string, table: string): string {
  const lines = ddl
    .trimEnd()
    .split('\n')
    .filter((line) => !line.startsWith('--'))
  const close = lines.indexOf(')')
  const columns = lines.slice(1, close + 1)
  const [engine = '', ...clauses] = lines.slice(close + 1)
  const key = /^ORDER BY (\w+)$/.exec(clauses.find((line) => line.startsWith('ORDER BY')) ?? '')?.[1] ?? ''
  const version = /\((\w+)\)$/.exec(engine)?.[1]
  return [
    '-- The same on a cluster: rows in a local table on each shard, and a Distributed one over them (docs/clusters.md).',
    `CREATE TABLE IF NOT EXISTS {target:Identifier}.${table}_local ON CLUSTER '{cluster}'`,
    ...columns,
    `ENGINE = ReplicatedReplacingMergeTree('/clickhouse/{installation}/{cluster}/tables/{shard}/{database}/{table}', '{replica}'${version === undefined ? '' : `, ${version}`})`,
    `${clauses.join('\n')};`,
    '',
    `CREATE TABLE IF NOT EXISTS {target:Identifier}.${table} ON CLUSTER '{cluster}'`,
    ...columns,
    '-- Sharded by columns of ORDER BY: rows of one key have to be on one shard, where one of them is kept.',
    `ENGINE = Distributed('{cluster}', {target:Identifier}, '${table}_local', cityHash64(${key}))`,
    `${clauses.at(-1)};`,
    '',
  ].join('\n')
}
