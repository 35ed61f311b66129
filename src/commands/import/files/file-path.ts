// Owns how the public files are laid out below the base URL or folder.
import { FILE_BLOCKS, type FileKey } from '../files-port.ts'
import { createHash } from 'node:crypto'

export function networkPath(network: string): string {
  return `${network}/databases/default`
}

/** Files are named by their first block, without leading zeros. */
export function filePath(network: string, { table, first }: FileKey): string {
  return `${networkPath(network)}/${table}/${FILE_BLOCKS}/${first}.parquet`
}

/** A hash of the file's metadata, below 2^52: equal parts give equal numbers. */
export function fileVersion(parts: readonly (string | number | null | undefined)[]): number {
  const hash = createHash('sha256').update(parts.map(String).join('\n')).digest('hex')
  return Number.parseInt(hash.slice(0, 13), 16)
}
