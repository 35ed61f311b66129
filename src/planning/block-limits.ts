// Owns turning a table's `blocks` into block numbers of one network.
import { usageError } from '../model/errors.ts'
import type { BlockLimit, BlockLimits, Network } from '../model/model.ts'
import { knownNames } from '../model/did-you-mean.ts'

/**
 * First and last block that a table may hold on a network; an end without limit is left out. `to` may lie below
 * `from`, and be -1: then the table has no blocks there (`..dencun-1` where dencun is block 0).
 * Throws a usage error for a fork that the network does not have.
 */
export function resolveLimits(
  limits: BlockLimits,
  forks: Network['forks'],
): { readonly from?: number; readonly to?: number } {
  return {
    ...(limits.from && { from: Math.max(0, resolve(limits.from, forks)) }),
    ...(limits.to && { to: Math.max(-1, resolve(limits.to, forks)) }),
  }
}

function resolve({ fork, offset }: BlockLimit, forks: Network['forks']): number {
  if (fork === undefined) return offset
  const first = Object.hasOwn(forks, fork) ? forks[fork] : undefined
  if (first === undefined) {
    throw usageError(
      `blocks: the network has no fork '${fork}'`,
      knownNames('forks', fork, Object.keys(forks)),
    )
  }
  return first + offset
}
