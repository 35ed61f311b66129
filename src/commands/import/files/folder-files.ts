// Owns public files in a local folder with the same layout as on the web.
import { open, readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { BackfillError, usageError } from '../../../model/errors.ts'
import {
  broken,
  messageOf,
  type FileKey,
  type FilesPort,
  filePath,
  fileVersion,
  networkPath,
} from '../files-port.ts'
import { keptFile } from './parquet-file.ts'

export async function openFolder(folder: string, network: string): Promise<FilesPort> {
  const own = join(folder, networkPath(network))
  const found = await readdir(own).catch(() => [])
  if (found.length === 0)
    throw usageError(
      `${folder} has no files of ${network}`,
      `put them into ${join(own, '<table>', '1000', '<first block>.parquet')}`,
    )
  const path = (key: FileKey) => join(folder, filePath(network, key))
  return {
    async look(key) {
      try {
        const facts = await stat(path(key))
        // A pipe without a writer would be waited for.
        if (!facts.isFile()) throw new Error('it is not a regular file')
        const { size, mtimeMs } = facts
        return { bytes: size, version: fileVersion([size, mtimeMs]) }
      } catch (error) {
        if (['ENOENT', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '')) return undefined
        const message = `cannot read ${path(key)}: ${messageOf(error)}`
        throw new BackfillError(message, { kind: 'failed', cause: error })
      }
    },
    async fetch(key) {
      const handle = await open(path(key)).catch((error: unknown) => {
        throw broken(`cannot read ${path(key)}: ${messageOf(error)}`)
      })
      return await keptFile(path(key), handle)
    },
  }
}
