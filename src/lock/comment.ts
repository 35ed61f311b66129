// Owns the comment of a lock: its holder, since when, and the heartbeat. For people; the fence decides.
import { EPOCH_DIGITS } from './fence.ts'
import { identity, isAlive } from '../seam/process.ts'

export type LockComment = {
  readonly host: string
  readonly pid: number
  /** The PID namespace of `pid`: see seam/process.ts. */
  readonly pidNamespace: string
  /** A new one for each acquisition: it distinguishes processes with the same host and number. */
  readonly taker?: string
  /** The holder's clock at acquisition and at the last heartbeat, ISO 8601 UTC: for people, never for decisions. */
  readonly since: string
  readonly heartbeat: string
  readonly beats: number
  readonly released: boolean
  readonly command?: string
}

/** A COMMENT takes no parameter (26.7: syntax error), so it is JSON in which characters outside a safe set become '?'. */
export function commentLiteral(comment: LockComment): string {
  return `'${harmless(JSON.stringify(comment))}'`
}

/** A person may have edited the comment: what it does not say is unknown, and the lock is stale if it does not change. */
export function readInfo({ name, comment }: { readonly name: string; readonly comment: string }): LockInfo {
  const said = objectIn(comment)
  const word = (key: keyof LockComment) => (typeof said[key] === 'string' ? said[key] : '')
  return {
    name,
    epoch: Number(name.slice(-EPOCH_DIGITS)),
    host: word('host') || 'unknown',
    pid: Number.isSafeInteger(said['pid']) ? Number(said['pid']) : 0,
    pidNamespace: word('pidNamespace'),
    since: word('since'),
    heartbeat: word('heartbeat'),
    released: said['released'] === true,
    command: word('command'),
  }
}

function objectIn(text: string): Readonly<Record<string, unknown>> {
  try {
    return Object(JSON.parse(text)) as Record<string, unknown>
  } catch {
    return {}
  }
}

/** Visible from here, and not there. A restored snapshot has the original's boot id, so the host is compared, too; the fence protects anyway. */
export function isDead(holder: Pick<LockInfo, 'host' | 'pid' | 'pidNamespace'>): boolean {
  const me = identity()
  if (holder.host !== harmless(me.host) || holder.pidNamespace !== me.pidNamespace) return false
  return holder.pid !== me.pid && !isAlive(holder.pid)
}

function harmless(text: string): string {
  return text.replaceAll(/[^A-Za-z0-9 _.:{}",+-]/g, '?')
}

/** Who holds (or last held) a lock, read from the comment of its highest epoch. */
export type LockInfo = Required<Omit<LockComment, 'taker' | 'beats'>> & {
  readonly name: string
  readonly epoch: number
}
