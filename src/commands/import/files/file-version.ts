// Owns the number by which a file is told from one of the same name that was published later.
import { createHash } from 'node:crypto'

/** Of whatever is known of the file: equal parts, equal number. It stays below 2^52. */
export function fileVersion(parts: readonly (string | number | null | undefined)[]): number {
  const hash = createHash('sha256').update(parts.map(String).join('\n')).digest('hex')
  return Number.parseInt(hash.slice(0, 13), 16)
}
