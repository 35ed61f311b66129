// Owns Ctrl-C, SIGTERM and SIGHUP: the first asks the work to stop, the second ends the process immediately.
import { constants } from 'node:os'
import { monotonicMs } from '../seam/clock.ts'
import { endThisProcess, identity } from '../seam/process.ts'

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

/** npm forwards Ctrl-C to a child that has received it already: two within this time, in ms, count as one. */
const ECHO_MS = 500

/**
 * Runs `use` with a signal that is aborted by the first SIGINT, SIGTERM or SIGHUP (its name is the reason).
 * The second one has its default action: the ledger can recover statements in flight.
 */
export async function withSignals<T>(
  onFirst: () => void,
  use: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const controller = new AbortController()
  let first = 0
  const listen = (name: NodeJS.Signals) => {
    if (name === 'SIGHUP' && isProtected()) return
    if (!controller.signal.aborted) {
      first = monotonicMs()
      onFirst()
      controller.abort(name)
    } else if (monotonicMs() - first > ECHO_MS) {
      detach()
      endThisProcess(name)
    }
  }
  const detach = () => SIGNALS.forEach((name) => process.off(name, listen))
  SIGNALS.forEach((name) => process.on(name, listen))
  try {
    return await use(controller.signal)
  } finally {
    detach()
  }
}

/**
 * Whether `nohup` started this process. It tells by ignoring SIGHUP, which Node forgets when it starts; what is left is
 * the variable in which shells name the command.
 */
function isProtected(): boolean {
  return /(^|\/)nohup$/.test(process.env['_'] ?? '')
}

/** The kernel drops a signal to process 1 of a container unless something listens: this listens where nobody else does. */
export function endBySignals(): void {
  if (identity().pid !== 1) return
  for (const name of SIGNALS)
    process.on(name, () => {
      if (process.listenerCount(name) === 1) process.exit(128 + constants.signals[name])
    })
}

/** 129 after SIGHUP, 130 after SIGINT, 143 after SIGTERM: the convention for a process that a signal ended. */
export function interruptedCode(signal: AbortSignal): number {
  return 128 + constants.signals[signal.reason as NodeJS.Signals]
}
