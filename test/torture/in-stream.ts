// Owns waiting for the middle of a stream.
import { setTimeout as sleep } from 'node:timers/promises'
import type { Throttle } from '../support/throttle.ts'
import type { Runner } from './ground.ts'

/** Does it when a chunk's worth of bytes is on its way, or when the runner has ended. */
export async function inStream(
  line: Throttle,
  { ended }: Runner,
  act: () => Promise<void> | void,
): Promise<void> {
  const before = line.passed()
  const over = { is: false }
  void ended.then(() => (over.is = true))
  const deadline = performance.now() + 8_000
  while (line.passed() < before + STREAMING_BYTES && !over.is && performance.now() < deadline) await sleep(20)
  await act()
}

/** More than the questions of a run, less than the rows of a chunk. */
const STREAMING_BYTES = 60_000
