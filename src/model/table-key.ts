// Owns which names may stand in the name of a lock, `<network>__<key>__<epoch>`.

/** Lower-case letters, digits and single underscores between them, a letter first. */
export function isLockName(name: string): boolean {
  return /^[a-z][a-z0-9]*(_[a-z0-9]+)*$/.test(name)
}

/** A table key that no derived table can have: their keys have no hyphen. */
export function importKey(source: string): string {
  return `import-${shortName(source)}`
}

/** `canonical_execution_traces` is `traces` for people. */
export function shortName(source: string): string {
  return source.replace(/^canonical_execution_/, '')
}
