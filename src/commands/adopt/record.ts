// Owns the recording of adopted rows as done, with what the ledger must know of them.
import { failedError } from '../../model/errors.ts'
import { cutChunks } from '../../planning/row-estimates.ts'
import { writeFingerprint } from '../../sources/fingerprint.ts'
import { forksText } from '../../planning/stale-ranges.ts'
import { inputPositions, inputsText } from '../../runner/chunk-inputs.ts'
import { assertSameTable } from '../../runner/create-tables.ts'
import type { Workspace } from '../../runner/workspace.ts'
import { randomId } from '../../seam/random.ts'
import { storedDigests } from '../../targets/digest.ts'
import type { Connected } from '../../workspace/connect.ts'
import type { Adoption, AdoptOptions } from './plan.ts'

/** Records the adoption under the lock. @throws BackfillError `locked`; `failed` if a run has worked on it meanwhile */
export async function adopt(
  { ports, network }: Workspace,
  connected: Connected,
  { tableStatus: { table, target, view }, targetUuid, blocks, chunk, inputs }: Adoption,
  { fromUuid }: Pick<AdoptOptions, 'fromUuid'>,
  note: (text: string) => void,
): Promise<void> {
  const { ledger } = ports
  const runId = randomId()
  const lock = await ports.locks.acquire(table.key, note)
  try {
    assertSameTable(table, targetUuid, await ports.target.identities([table.target]))
    const now = (await ledger.fold(new Map([[table.key, targetUuid]]))).get(table.key)
    if (JSON.stringify(now) !== JSON.stringify(view))
      throw failedError(
        `a run has worked on ${table.key} since the comparison: nothing was recorded`,
        'Run the command again',
      )
    if ((await ports.versions.unkept([table])).has(table.key)) await ports.versions.keep(lock, table)
    if (fromUuid !== undefined) await ledger.takeOver(lock, { from: fromUuid, to: targetUuid }, inputs)
    else {
      const ranges = cutChunks(blocks, { blocks: chunk }, 'oldest')
      const digests = await storedDigests(
        connected.target,
        ports.executor,
        { table, target: target! },
        ranges,
      )
      for (const [index, range] of ranges.entries()) {
        const [sources, positions] = await Promise.all([
          ports.source.fingerprint(table.sources, range),
          inputPositions(ports, inputs),
        ])
        await ledger.append(lock, {
          event: 'done',
          range,
          targetUuid,
          sqlHash: table.sqlHash,
          sourceFingerprint: writeFingerprint(sources),
          forks: forksText(table, network),
          inputs: inputsText({ table, inputs, range }, positions),
          digest: digests[index],
          runId,
          // The first event carries the rows of all: a table that is emptied later is told from one without rows.
          rowsWritten: index === 0 ? (target?.rows ?? 0) : 0,
        })
      }
    }
    await ledger.checkpoint([{ lock, targetUuid, inputs }], runId)
  } finally {
    await lock.release()
  }
}
