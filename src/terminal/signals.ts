// Owns Ctrl-C, SIGTERM and SIGHUP: the first asks the work to stop, the second ends the process immediately.
import { constants } from 'node:os'
import { monotonicMs } from '../seam/clock.ts'
import { endThisProcess, isKeptFromHangUp } from '../seam/process.ts'
import { spawn } from 'node:child_process'
import { once } from 'node:events'

export const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

/** npm forwards Ctrl-C to a child that has received it already: two within this time, in ms, count as one. */
const ECHO_MS = 500

/** The first SIGINT, SIGTERM or SIGHUP aborts the signal of `use`; the second has its default action. */
export async function withSignals<T>(
  onFirst: () => void,
  use: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const controller = new AbortController()
  let first = 0
  const listen = (name: NodeJS.Signals) => {
    if (name === 'SIGHUP' && isKeptFromHangUp()) return
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

/** 129 after SIGHUP, 130 after SIGINT, 143 after SIGTERM: the convention for a process that a signal ended. */
export function interruptedCode(signal: AbortSignal): number {
  return codeOf(signal.reason as NodeJS.Signals)
}

export function codeOf(signal: NodeJS.Signals): number {
  return 128 + constants.signals[signal]
}

/** The kernel gives process 1 no default action for a signal, so Ctrl-C could not end it. */
export async function runInChild({ execPath, execArgv, argv }: NodeJS.Process): Promise<number> {
  const child = spawn(execPath, [...execArgv, ...argv.slice(1)], { stdio: 'inherit' })
  for (const name of SIGNALS) process.on(name, () => child.kill(name))
  const [code, signal] = (await once(child, 'exit')) as [number | null, NodeJS.Signals]
  return code ?? codeOf(signal)
}
