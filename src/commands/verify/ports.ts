// Owns the opening of the ports of verification.
import type { Session } from '../../workspace/open.ts'

export type VerifyPorts = Awaited<ReturnType<typeof verifyPorts>>

/** The ports that verification needs in addition to the workspace's. */
export async function verifyPorts({ workspace, connected }: Pick<Session, 'workspace' | 'connected'>) {
  const [{ openVerifier }, { openEvents }, { openSegments }] = await Promise.all([
    import('./compare.ts'),
    import('../../ledger/latest-events.ts'),
    import('../../sources/source.ts'),
  ])
  const { source, target, names } = connected
  const { network, ports } = workspace
  return {
    verify: openVerifier({ source, target, network, executor: ports.executor }),
    recordedEvents: openEvents({ server: target, names, network: network.name }),
    segments: openSegments({ server: source, network: network.name }),
  }
}
