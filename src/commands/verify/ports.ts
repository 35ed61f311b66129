// Owns the opening of what verification asks of the servers, for the commands that verify.
import type { VerifyPorts } from './report.ts'
import type { Session } from '../../workspace/open.ts'

/** The ports that verification needs beside the world's. */
export async function verifyPorts({
  world,
  connected,
}: Pick<Session, 'world' | 'connected'>): Promise<VerifyPorts> {
  const [{ openVerifier }, { openPast }, { openStretches }] = await Promise.all([
    import('./compare.ts'),
    import('../../ledger/history.ts'),
    import('../../sources/source.ts'),
  ])
  const { source, target, names } = connected
  const { network, ports } = world
  return {
    verify: openVerifier({ source, target, network, executor: ports.executor }),
    past: openPast({ server: target, names, network: network.name }),
    stretches: openStretches({ server: source, network: network.name }),
  }
}
