// Owns a dbt project with the same SELECTs: one incremental model a table, which appends the range that two variables name.
// The tables are there before, from the same DDL: so codecs, keys and partitions are the same on both sides.
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Network, TableDefinition } from '../../src/model/model.ts'
import { findNetwork, readCatalogue } from '../../src/project/sql-folder.ts'
import { resolveLimits } from '../../src/planning/bounds.ts'
import { rowsOf } from '../../test/support/server.ts'
import { SQL_FOLDER } from '../../test/support/workspace.ts'
import { NETWORK } from '../support/chain.ts'
import type { Server } from '../support/server.ts'

/** Block numbers of the derived tables are UInt32. */
const MAX_BLOCK = 2 ** 32 - 1

/** Writes the project and its profile into a folder. @param threads models at once */
export async function writeDbtProject(
  folder: string,
  {
    server,
    source,
    target,
    threads,
  }: {
    readonly server: Server
    readonly source: string
    readonly target: string
    readonly threads: number
  },
): Promise<void> {
  const catalogue = await readCatalogue(SQL_FOLDER)
  const { tables, sources } = catalogue
  const { forks } = findNetwork(catalogue, NETWORK)
  const { hostname, port } = new URL(server.url)
  const write = (name: string, value: unknown) => writeFile(join(folder, name), JSON.stringify(value))
  await mkdir(join(folder, 'models'), { recursive: true })
  // JSON is YAML.
  await write('dbt_project.yml', {
    name: 'bench',
    version: '1.0.0',
    profile: 'bench',
    'model-paths': ['models'],
    flags: { send_anonymous_usage_stats: false },
  })
  const { username: user, password } = server
  const output = { type: 'clickhouse', driver: 'http', host: hostname, port: Number(port), user, password }
  await write('profiles.yml', {
    bench: { target: 'dev', outputs: { dev: { ...output, schema: target, secure: false, threads } } },
  })
  await write('models/sources.yml', {
    version: 2,
    sources: [{ name: 'chain', schema: source, tables: sources.map(({ table }) => ({ name: table })) }],
  })
  for (const table of tables) {
    const outputs = await outputsOf(server, target, table.target)
    await writeFile(join(folder, 'models', `${table.target}.sql`), modelOf(table, forks, outputs))
  }
}

/** The transform with dbt's names for what the runner binds, and its header's limits as part of the range. */
function modelOf(
  { transform, blocks }: TableDefinition,
  forks: Network['forks'],
  outputs: readonly string[],
): string {
  const { from, to } = resolveLimits(blocks, forks)
  const select = transform.text
    .replaceAll(/\{source:Identifier\}\.(\w+)/g, "{{ source('chain', '$1') }}")
    .replaceAll(/\{target:Identifier\}\.(\w+)/g, "{{ ref('$1') }}")
    .replaceAll('{network:String}', `'${NETWORK}'`)
    .replaceAll('{from_block:UInt64}', `greatest({{ var('from') }}, ${from ?? 0})`)
    .replaceAll('{to_block:UInt64}', `least({{ var('to') }}, ${to ?? MAX_BLOCK})`)
    .replaceAll(/\{(\w+):UInt64\}/g, (_, fork: string) => String(forks[fork]))
  return `{{ config(materialized='incremental', incremental_strategy='append') }}\nSELECT ${outputs.join(', ')}\nFROM (\n${select}\n)`
}

/** All columns of the target in its order, which dbt's INSERT names: a default's expression stands for its column. */
async function outputsOf(server: Server, target: string, table: string): Promise<readonly string[]> {
  const columns = await rowsOf<{ output: string }>(
    server,
    `SELECT if(default_kind = 'DEFAULT', concat(default_expression, ' AS ', name), name) AS output
     FROM system.columns WHERE database = {target:String} AND table = {table:String} ORDER BY position`,
    { target, table },
  )
  return columns.map(({ output }) => output)
}
