// Owns how the public files are laid out below the base URL or folder.
import type { FileKey } from '../files-port.ts'
import { FILE_BLOCKS } from '../files-port.ts'

export function networkPath(network: string): string {
  return `${network}/databases/default`
}

/** Files are named by their first block, without leading zeros. */
export function filePath(network: string, { table, first }: FileKey): string {
  return `${networkPath(network)}/${table}/${FILE_BLOCKS}/${first}.parquet`
}
