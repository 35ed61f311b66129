// Owns tables in place of system tables, for states into which a server cannot be put: a full disk, a lagging replica.
import { onTestFinished } from 'vitest'
import { post, type TestServer, uniqueDatabase } from './server.ts'

/** Rows of a system table, by its name without `system.`; columns that a row leaves out are empty. */
export type StandIns = Readonly<Record<string, readonly Readonly<Record<string, unknown>>[]>>

/** Returns `sql` reading tables of the same columns, with these rows, where it reads the system tables. */
export async function withStubTables(server: TestServer, sql: string, rows: StandIns): Promise<string> {
  const database = uniqueDatabase('stand_in')
  await post(server, `CREATE DATABASE ${database}`)
  onTestFinished(async () => void (await post(server, `DROP DATABASE ${database}`)))
  let text = sql
  for (const [name, own] of Object.entries(rows)) {
    await post(server, `CREATE TABLE ${database}.${name} AS system.${name} ENGINE = Memory`)
    if (own.length > 0)
      await post(
        server,
        `INSERT INTO ${database}.${name} FORMAT JSONEachRow ${own.map((row) => JSON.stringify(row)).join('\n')}`,
      )
    const read = new RegExp(`\\bsystem\\.${name}\\b`, 'g')
    if (!read.test(text)) throw new Error(`the statement does not read system.${name}`)
    text = text.replaceAll(read, `${database}.${name}`)
  }
  return text
}
