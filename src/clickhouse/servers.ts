// Owns reaching both sides: one client if both use one login; if one side fails, the other is closed.
import type { Connection } from './connection.ts'
import { openServer, type Server, serverAs } from './server.ts'
import { type RetryPolicy, untilReachable } from './retry.ts'
import { serverError } from './server-error.ts'

/** @throws BackfillError `server` if one cannot be reached or refuses the login */
export async function openServers(connections: { readonly source: Connection; readonly target: Connection }) {
  // The target first: if both sides are one unreachable server, the error names the side that the person configured.
  const opened = await Promise.allSettled([
    openServer(connections.target),
    ...(sameLogin(connections.source, connections.target) ? [] : [openServer(connections.source)]),
  ])
  const broken = opened.find((one) => one.status === 'rejected')
  const servers = opened.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []))
  const close = async (): Promise<void> => void (await Promise.all(servers.map((server) => server.close())))
  if (broken !== undefined) {
    await close()
    throw broken.reason
  }
  const [target, source = serverAs(target, connections.source)] = servers as [Server, Server?]
  return { source, target, close }
}

export function sameLogin(one: Connection, other: Connection): boolean {
  return (['url', 'username', 'password', 'ca', 'cert', 'key'] as const).every(
    (part) => one[part] === other[part],
  )
}

/** Resolves when all answer. @throws BackfillError `server` with the last error when time is up */
export async function reachable(servers: readonly Server[], retryPolicy: RetryPolicy): Promise<void> {
  const doing = `waiting ${Math.round(retryPolicy.giveUpMs / 1000)} s for it`
  await untilReachable(async () => {
    for (const { client, connection } of servers) {
      const answer = await client.ping()
      if (!answer.success)
        return { who: connection.side, error: serverError(answer.error, { connection, doing }) }
    }
    return undefined
  }, retryPolicy)
}
