// Owns finding the ClickHouse engine among the installed packages, without loading it into this process.
import { createRequire } from 'node:module'
import { type BackfillError, usageError } from '../model/errors.ts'
import { isInImage } from '../seam/process.ts'

/** @throws BackfillError 'usage' with the install command if one of its two packages is missing, or with what to correct */
export function findEngineLibrary(): string {
  const load = createRequire(import.meta.url)
  let locate: () => string
  try {
    load('ffi-rs') // small, and only loading shows whether it has a binary for this platform
    locate = (load('chdb/libchdb') as { readonly libchdbPath: () => string }).libchdbPath
  } catch {
    throw notInstalled()
  }
  try {
    return locate()
  } catch {
    const place = process.env['CHDB_LIBCHDB_PATH'] || process.env['CHDB_LIBCHDB_DIR']
    throw place
      ? usageError(
          `The embedded ClickHouse is not at '${place}'`,
          'Correct or unset CHDB_LIBCHDB_PATH and CHDB_LIBCHDB_DIR',
        )
      : notInstalled()
  }
}

function notInstalled(): BackfillError {
  if (isInImage())
    return usageError(
      'The embedded ClickHouse is not in this image',
      'Use a ClickHouse server: set TARGET_CLICKHOUSE_URL. Or build the image with --build-arg EMBEDDED=yes',
    )
  return usageError(
    'The embedded ClickHouse is not installed',
    'npm install chdb ffi-rs (Linux with glibc, or macOS). Only `test` and `demo` need it: for all else set TARGET_CLICKHOUSE_URL to a ClickHouse server',
  )
}
