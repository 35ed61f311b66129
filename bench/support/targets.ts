// Owns derived tables beside those of a run: made empty, filled by somebody else, compared.
import { sharedStep } from '../../src/sql-syntax/shared-cte.ts'
import { readCatalogue } from '../../src/project/sql-folder.ts'
import type { TableDefinition } from '../../src/model/model.ts'
import { post, rowsOf, uniqueDatabase } from '../../test/support/server.ts'
import { SQL_FOLDER } from '../../test/support/workspace.ts'
import type { Server } from './server.ts'

export async function derivedTables(): Promise<readonly TableDefinition[]> {
  return (await readCatalogue(SQL_FOLDER)).tables
}

/** Runs the work on a database with all derived tables, empty, and drops it. */
export async function withTargets<Value>(
  server: Server,
  work: (target: string) => Promise<Value>,
): Promise<Value> {
  const target = uniqueDatabase('bench_target')
  await post(server, 'CREATE DATABASE {target:Identifier}', { target })
  try {
    for (const { ddl } of await derivedTables()) await post(server, ddl.text, { target })
    return await work(target)
  } finally {
    await post(server, 'DROP DATABASE {target:Identifier} SYNC', { target })
  }
}

/** Rows and a hash of the content, by table: equal for equal tables, whatever their parts. */
export async function contentsOf(server: Server, target: string): Promise<ReadonlyMap<string, string>> {
  const contents = new Map<string, string>()
  for (const { key, target: table } of await derivedTables()) {
    const [row] = await rowsOf<{ content: string }>(
      server,
      `SELECT concat(toString(count()), ' rows, hash ', toString(sum(cityHash64(*)))) AS content
       FROM {target:Identifier}.{table:Identifier} FINAL`,
      { target, table },
    )
    contents.set(key, row!.content)
  }
  return contents
}

/** Table keys; those of tables that share a step are together. */
export async function kinships(): Promise<readonly (readonly [string, ...string[]])[]> {
  const alike = Map.groupBy(await derivedTables(), (table) => sharedStep(table)?.identity ?? table.key)
  return [...alike.values()].map(([one, ...others]) => [one!.key, ...others.map(({ key }) => key)] as const)
}
