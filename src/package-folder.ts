// Owns the folder of this package on disk, and the version that stands in it: sql/ and package.json are beside src/, and beside dist/ when it is built.
import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

/** Ends in `/`. This file and its bundle are one folder deep. */
export const PACKAGE_FOLDER = new URL('..', import.meta.url)

/** The SQL folder of this package, absolute: ledger, imports, demo, and the tables that are called `xatu`. */
export const PROGRAM_SQL = fileURLToPath(new URL('sql', PACKAGE_FOLDER))

/** A text, with the pages of docs/ that it names at the place where they were installed, if that is another folder. */
export function withDocsPlaces(text: string): string {
  return text.replaceAll(/(?<![\w/.-])docs\/[\w/-]+\.md/g, (page) => {
    const file = fileURLToPath(new URL(page, PACKAGE_FOLDER))
    return existsSync(page) || !existsSync(file) ? page : file
  })
}

const texts = new Map<string, string>()

/** The text of a statement in it, `ledger/fold/latest-state`; read once. */
export function programSql(name: string): string {
  const text = texts.get(name) ?? readFileSync(new URL(`sql/${name}.sql`, PACKAGE_FOLDER), 'utf8')
  texts.set(name, text)
  return text
}

export function toolVersion(): string {
  const text = readFileSync(new URL('package.json', PACKAGE_FOLDER), 'utf8')
  return (JSON.parse(text) as { version: string }).version
}
