// Owns the folder of this package on disk: sql/ and package.json are beside src/, and beside dist/ when it is built.
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

/** Ends in `/`. This file and its bundle are one folder deep. */
export const PACKAGE_FOLDER = new URL('..', import.meta.url)

/** The SQL folder of this package, absolute: ledger, imports, demo, and the tables that are called `xatu`. */
export const PROGRAM_SQL = fileURLToPath(new URL('sql', PACKAGE_FOLDER))

const texts = new Map<string, string>()

/** The text of a statement in it, `ledger/fold/latest-state`; read once. */
export function programSql(name: string): string {
  const text = texts.get(name) ?? readFileSync(new URL(`sql/${name}.sql`, PACKAGE_FOLDER), 'utf8')
  texts.set(name, text)
  return text
}
