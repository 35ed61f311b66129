// Owns which names may stand in the name of a lock, `<network>__<key>__<epoch>`.

/** Lower-case letters, digits and single underscores between them, a letter first. */
export function isLockName(name: string): boolean {
  return /^[a-z][a-z0-9]*(_[a-z0-9]+)*$/.test(name)
}
