// Owns projects that were frozen with their ledgers at the end of a version: a folder for each in test/fixtures/frozen, with
// sql/, the CREATE statements of the ledger, its rows, and the UUIDs of the derived tables. The sources are made anew.
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { readCatalogue } from '../../src/project/sql-folder.ts'
import { post, rowsOf, type TestServer } from './server.ts'

export type Databases = { readonly source: string; readonly target: string; readonly ledger: string }

/** Blocks of the frozen ledger. */
export const FROZEN_BLOCKS = 40

/** Three rows of the source in each of the blocks. */
export async function addTransfers(
  server: TestServer,
  { source }: Databases,
  from: number,
  to: number,
): Promise<void> {
  await post(
    server,
    `INSERT INTO {source:Identifier}.transfers
    SELECT intDiv(number, 3), number % 3, 'mainnet', concat('0x', hex(number % 17)), number, '2026-01-01 00:00:00'
    FROM numbers({first:UInt64}, {rows:UInt64})`,
    { source, first: from * 3, rows: (to - from + 1) * 3 },
  )
}

/** The source table, filled; what it is like is said by the project's own file. */
export async function createSources(server: TestServer, folder: string, database: Databases): Promise<void> {
  const { sources } = await readCatalogue(join(folder, 'sql'))
  await post(server, 'CREATE DATABASE {source:Identifier}', { source: database.source })
  const { ddl } = sources.find(({ table }) => table === 'transfers')!
  await post(server, ddl.text, { source: database.source })
  await addTransfers(server, database, 1, FROZEN_BLOCKS)
}

/** Writes what is on the server into the folder, beside its sql/. */
export async function freeze(
  server: TestServer,
  folder: string,
  { ledger, target }: Databases,
): Promise<void> {
  const tables = await rowsOf<{ name: string; text: string }>(
    server,
    `SELECT name, create_table_query AS text FROM system.tables WHERE database = {ledger:String} AND engine LIKE '%MergeTree' ORDER BY name`,
    { ledger },
  )
  mkdirSync(join(folder, 'ledger'), { recursive: true })
  for (const { name, text } of tables) {
    writeFileSync(
      join(folder, 'ledger', `${name}.sql`),
      `${text.replaceAll(ledger, '{ledger:Identifier}')}\n`,
    )
    // As text: digests are larger than what JavaScript's numbers hold.
    const rows = await post(server, `SELECT * FROM ${ledger}.${name} ORDER BY ALL FORMAT JSONEachRow`)
    writeFileSync(join(folder, 'ledger', `${name}.jsonl`), rows)
  }
  const targets = await rowsOf(
    server,
    `SELECT name, toString(uuid) AS uuid FROM system.tables WHERE database = {target:String} ORDER BY name`,
    { target },
  )
  writeFileSync(join(folder, 'targets.json'), `${JSON.stringify(targets, undefined, 2)}\n`)
}

/** Makes on the server what `freeze` found there. */
export async function thaw(server: TestServer, folder: string, database: Databases): Promise<void> {
  await createSources(server, folder, database)
  for (const name of [database.target, database.ledger]) await post(server, `CREATE DATABASE ${name}`)
  const files = readdirSync(join(folder, 'ledger'))
  const text = (file: string) => readFileSync(join(folder, 'ledger', file), 'utf8')
  for (const file of files.filter((name) => name.endsWith('.sql'))) {
    const table = file.replace('.sql', '')
    await post(server, text(file), { ledger: database.ledger })
    const rows = text(`${table}.jsonl`)
    if (rows !== '') await post(server, `INSERT INTO ${database.ledger}.${table} FORMAT JSONEachRow\n${rows}`)
  }
  const { tables } = await readCatalogue(join(folder, 'sql'))
  const uuids = JSON.parse(readFileSync(join(folder, 'targets.json'), 'utf8')) as {
    name: string
    uuid: string
  }[]
  const params = { ...database, network: 'mainnet', from_block: 1, to_block: FROZEN_BLOCKS }
  for (const { target, ddl, transform } of tables) {
    const { uuid } = uuids.find(({ name }) => name === target)!
    await post(server, ddl.text.replace(/(CREATE TABLE .*)/, `$1 UUID '${uuid}'`), params)
    await post(server, `INSERT INTO ${database.target}.${target} ${transform.text}`, params)
  }
}
