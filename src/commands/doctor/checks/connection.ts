// Owns the judgement of the way to a server: does a silent connection live, do answers come as they are made.
import { type Asked, type Diagnosis, evaluated, verdicts } from './finding.ts'
import type { About } from './servers.ts'

export type Silence = {
  readonly seconds: number
  /** After which time the connection broke, and what the client said; undefined where the answer came. */
  readonly cut: { readonly afterMs: number; readonly words: string } | undefined
}

/** When the first bytes of an answer came that the server makes bit by bit, and when the last. */
export type Flow = { readonly firstMs: number; readonly lastMs: number }

/** An INSERT gives a sign of life this often (clickhouse/statement.ts); a read gives none before its first rows. */
const PROGRESS_SECONDS = 10

export function evaluateIdleTimeout(about: About, asked: Asked<Silence>): readonly Diagnosis[] {
  return evaluated('silence', about, asked, ({ seconds, cut }) => {
    const { ok, warn, fail } = verdicts('silence', about)
    if (cut === undefined)
      return [ok(`a connection lives through ${seconds} s of silence (--idle N tries longer)`)]
    const after = (cut.afterMs / 1000).toFixed(1)
    const found = `a silent connection is cut after ${after} s (${cut.words})`
    const hint = 'Raise the idle timeout of the proxy or balancer in between to an hour, or connect past it'
    return cut.afterMs <= PROGRESS_SECONDS * 1000
      ? [fail(`${found}: statements that take longer lose their answer`, hint)]
      : [warn(`${found}: INSERTs tell their progress and live, long reads and deletions do not`, hint)]
  })
}

export function evaluateFlow(about: About, asked: Asked<Flow>): readonly Diagnosis[] {
  return evaluated('streaming', about, asked, ({ firstMs, lastMs }) => {
    const { ok, warn } = verdicts('streaming', about)
    if (firstMs <= lastMs * 0.75) return [ok('answers arrive while the server makes them')]
    return [
      warn(
        'answers arrive at once when they are complete: something in between keeps them, and signs of life with them',
        'Turn response buffering off in the proxy (nginx: proxy_buffering off), or connect past it',
      ),
    ]
  })
}
