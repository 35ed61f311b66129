// Owns the walls of `adopt`, as guard-list.ts those of the chunk protocol.
import type { Guard } from './guard.ts'

export const OF_ADOPTIONS: readonly Guard[] = [
  [
    'rows that were adopted are deleted when a redo asks for it',
    'ledger/attempts.ts',
    'if (blocks.length === 0) continue',
    "if (blocks.length === 0 || (WRITES.has(event.event) && event.queryId === '')) continue",
  ],
  [
    'an adoption is recorded as a whole',
    'commands/adopt/record.ts',
    'await ledger.appendAll(lock, events)',
    'for (const event of events) await ledger.append(lock, event)',
  ],
  [
    'an adoption reads sources and inputs before it compares',
    'commands/adopt/plan.ts',
    'inputs, before, verifications }',
    'inputs, before: await readBefore(workspace, { table, inputs, ranges }), verifications }',
  ],
  ['the fence of an adoption from an earlier table', 'ledger/ownership.ts', ' AND ${fenced.text}', ''],
  [
    'rows that the ledger does not know of an earlier table are not adopted with it',
    'commands/adopt/plan.ts',
    'if (extra > 0)',
    'if (extra < 0)',
  ],
  [
    'a difference is explained only in the blocks that have changed',
    'commands/verify/verify.ts',
    'const parts = partsOf(chunk, blocks)',
    'const parts = [chunk]',
  ],
]
