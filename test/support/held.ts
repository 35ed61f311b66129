// Owns killing a process while one of its requests is held.
import type { ChildProcess } from 'node:child_process'
import { type Outcome, outcome } from './processes.ts'
import type { Held, Point, Proxy, Seen } from './proxy.ts'

/** What is held, in words; which request it is, and on which side of the server. */
export type Kill = readonly [what: string, matches: (seen: Seen) => boolean, point: Point]

/** A run that ends without ever making the request is a test that tests nothing. */
export async function arrival(held: Held, ended: Promise<Outcome>, what = 'the request'): Promise<void> {
  const missed = ended.then(({ code, stderr }) =>
    Promise.reject(new Error(`never held ${what}; exit ${code}: ${stderr}`)),
  )
  await Promise.race([held.arrived, missed])
  missed.catch(() => undefined)
}

/** Kills a process when its request is held. Hands back the request, which is still on its way. */
export async function killHeld(
  proxy: Proxy,
  [what, matches, point]: Kill,
  start: () => ChildProcess,
): Promise<Held> {
  const held = proxy.hold(matches, point)
  const child = start()
  const ended = outcome(child)
  await arrival(held, ended, what)
  child.kill('SIGKILL')
  await ended
  return held
}
