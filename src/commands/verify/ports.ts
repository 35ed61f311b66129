// Owns the opening of the ports of verification.
import type { Session } from '../../workspace/open.ts'

export type VerifyPorts = Awaited<ReturnType<typeof verifyPorts>>

export async function verifyPorts({ workspace, connected }: Pick<Session, 'workspace' | 'connected'>) {
  const { openEvents } = await import('../../ledger/latest-events.ts')
  const { source, target, names, sources } = connected
  const network = workspace.network.name
  return {
    source,
    target,
    recordedEvents: openEvents({ server: target, names, network }),
    sources,
    sourceRows: workspace.ports.source,
  }
}
