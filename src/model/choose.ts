// Owns finding what a person named: a network, tables.
import { usageError } from './errors.ts'
import type { Catalogue, Network, TableDefinition } from './model.ts'
import { knownNames } from './did-you-mean.ts'

/** The network of that name. Throws a usage error with the nearest name. */
export function findNetwork({ networks }: Pick<Catalogue, 'networks'>, name: string): Network {
  const network = networks.find((known) => known.name === name)
  const names = networks.map((known) => known.name)
  if (network === undefined)
    throw usageError(`unknown network '${name}'`, knownNames('networks', name, names))
  return network
}

/** The tables of these keys in dependency order, each once; all for no keys. Throws a usage error for an unknown key. */
export function chooseTables(
  { tables }: Pick<Catalogue, 'tables'>,
  keys: readonly string[],
): readonly TableDefinition[] {
  const known = tables.map((table) => table.key)
  const wrong = keys.find((key) => !known.includes(key))
  if (wrong !== undefined) throw usageError(`unknown table '${wrong}'`, knownNames('tables', wrong, known))
  return keys.length === 0 ? tables : tables.filter((table) => keys.includes(table.key))
}
