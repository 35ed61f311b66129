// Owns the part of process 1 of a container, as `docker run --init` plays it: the work is done by a child.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { codeOf, SIGNALS } from './signals.ts'

/** The kernel gives process 1 no default action for a signal, so Ctrl-C could not end it. */
export async function runInChild({ execPath, execArgv, argv }: NodeJS.Process): Promise<number> {
  const child = spawn(execPath, [...execArgv, ...argv.slice(1)], { stdio: 'inherit' })
  for (const name of SIGNALS) process.on(name, () => child.kill(name))
  const [code, signal] = (await once(child, 'exit')) as [number | null, NodeJS.Signals]
  return code ?? codeOf(signal)
}
