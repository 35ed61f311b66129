// Owns a temporary embedded server: for work that needs a ClickHouse but no data.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Server } from '../../clickhouse/server.ts'
import { usageError } from '../../model/errors.ts'

const MEMORY_BYTES = 2_000_000_000

/**
 * Starts the server in a temporary folder and connects; removes both however `use` ends.
 * @throws BackfillError `usage` if no temporary folder can be made
 */
export async function withScratchServer<T>(use: (server: Server) => Promise<T>): Promise<T> {
  const directory = await mkdtemp(join(tmpdir(), 'backfill-scratch-')).catch((error: unknown) => {
    throw usageError(
      `cannot make a temporary folder in ${tmpdir()}: ${(error as NodeJS.ErrnoException).code}`,
      'set TMPDIR to a folder that exists, has room and can be written',
    )
  })
  try {
    const { startEmbedded } = await import('../../embedded/embedded-server.ts')
    const embedded = await startEmbedded({ directory, memoryBytes: MEMORY_BYTES })
    try {
      const { openServer } = await import('../../clickhouse/server.ts')
      const { url, username, password } = embedded
      const server = await openServer({ side: 'target', url, username, password, database: 'default' })
      try {
        return await use(server)
      } finally {
        await server.close()
      }
    } finally {
      await embedded.stop()
    }
  } finally {
    // The server's process has just ended, and files may still be written.
    await rm(directory, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 })
  }
}
