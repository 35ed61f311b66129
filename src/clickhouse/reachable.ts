// Owns the waiting for servers that are away.
import { setTimeout as sleep } from 'node:timers/promises'
import type { Patience } from './retry.ts'
import { serverError } from './server-error.ts'
import type { Server } from './server.ts'

const PING_MS = 1_000

/** Resolves when all answer. @throws BackfillError `server` with the last error when patience ends */
export async function reachable(servers: readonly Server[], { giveUpMs, signal }: Patience): Promise<void> {
  const deadline = performance.now() + giveUpMs
  const doing = `waiting ${Math.round(giveUpMs / 1000)} s for it`
  for (const { client, connection } of servers)
    for (;;) {
      const answer = await client.ping({ select: true })
      if (answer.success) break
      if (signal.aborted || performance.now() > deadline)
        throw serverError(answer.error, { connection, doing })
      await sleep(PING_MS, undefined, { signal }).catch(() => undefined)
    }
}
