// Owns how the public files are laid out below the base URL or folder.
import type { FileKey } from '../runner/import-port.ts'
import { FILE_BLOCKS } from '../runner/import-port.ts'

export function networkPath(network: string): string {
  return `${network}/databases/default`
}

/** Files are named by their first block, without leading zeros. */
export function filePath(network: string, { table, first }: FileKey): string {
  return `${networkPath(network)}/${table}/${FILE_BLOCKS}/${first}.parquet`
}
