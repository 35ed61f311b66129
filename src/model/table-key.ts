// Owns which table keys and networks are allowed, so that a lock's name `<network>__<key>__<epoch>` is unambiguous.

/** Lower-case letters, digits and single underscores between them, a letter first. */
export function isTableKey(name: string): boolean {
  return /^[a-z][a-z0-9]*(_[a-z0-9]+)*$/.test(name)
}

/** As a table key, and with hyphens, because devnets are called `fusaka-devnet-3`. */
export function isNetworkName(name: string): boolean {
  return /^[a-z][a-z0-9]*([-_][a-z0-9]+)*$/.test(name)
}

/** A table key that no derived table can have: their keys have no hyphen. */
export function importKey(source: string): string {
  return `import-${shortName(source)}`
}

export function isImportKey(key: string): boolean {
  return key.includes('-')
}

/** The short name for people: `traces` for `canonical_execution_traces`. */
export function shortName(source: string): string {
  return source.replace(/^canonical_execution_/, '')
}
