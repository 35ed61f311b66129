// Owns waiting for room on the target's disks: where there is none, chunks fail, and merges with them.
import type { UpOptions } from '../planning/run-options.ts'
import { monotonicMs, sleep } from '../seam/clock.ts'
import { failedError } from '../model/errors.ts'
import type { Standstill } from '../model/standstill.ts'
import type { FreeSpace } from '../targets/free-space.ts'

/** An answer counts for this long, for all tables. */
const ASK_EVERY_MS = 5_000

type Say = (standstill: Standstill | undefined) => void

/** Resolves when there is room, or the run was aborted. @throws BackfillError (the function) `failed` if there is none for `giveUpMs` */
export function roomWatch(
  options: Pick<UpOptions, 'minFreeShare' | 'giveUpMs'>,
  signal: AbortSignal,
  ask: () => Promise<FreeSpace | undefined>,
): (say: Say) => Promise<void> {
  let askedAt = -Infinity
  let asking: Promise<FreeSpace | undefined> | undefined
  return async (say) => {
    const began = monotonicMs()
    let said = false
    while (!signal.aborted) {
      if (monotonicMs() - askedAt < ASK_EVERY_MS) break
      // Chunks that start at once share the answer.
      asking ??= ask().finally(() => (asking = undefined))
      const free = await asking
      if (free === undefined || free.share >= options.minFreeShare) {
        askedAt = monotonicMs()
        break
      }
      const found = `${percent(free.share)} of disk ${free.disk} is free, less than --min-free-disk ${percent(options.minFreeShare)}`
      if (monotonicMs() - began >= options.giveUpMs)
        throw failedError(
          found,
          'Free or add disk space, or lower --min-free-disk; backfill doctor shows the disks',
        )
      if (!said) say({ reason: 'disk', found })
      said = true
      await sleep(Math.min(ASK_EVERY_MS, options.giveUpMs), signal)
    }
    if (said) say(undefined)
  }
}

const percent = (share: number): string => `${(share * 100).toFixed(1).replace('.0', '')}%`
