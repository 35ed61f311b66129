// Owns the names that an SQL folder offers, unchecked: for completion, where a mistake in one file is no reason to
// offer nothing. Read synchronously: these are two small reads at the end of a short process.
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { shortName } from '../../model/table-key.ts'

/** Table keys, sorted. Throws where the folder cannot be read. */
export function tableKeys(folder: string): readonly string[] {
  return sqlNames(join(folder, 'transforms'))
}

/** Names of the source tables that can be imported, as people type them, sorted. Throws where the folder cannot be read. */
export function importNames(folder: string): readonly string[] {
  return sqlNames(join(folder, 'import')).map(shortName)
}

/** Names of networks in the order of networks.json. Throws where that cannot be read. */
export function networkNames(folder: string): readonly string[] {
  return Object.keys(JSON.parse(readFileSync(join(folder, 'networks.json'), 'utf8')) as object)
}

function sqlNames(folder: string): readonly string[] {
  return readdirSync(folder)
    .filter((name) => name.endsWith('.sql') && !name.startsWith('.'))
    .map((name) => name.slice(0, -'.sql'.length))
    .toSorted()
}
