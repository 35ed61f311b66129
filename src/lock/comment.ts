// Owns what a lock's comment says: who holds it, since when, and that it lives. For people; the fence decides.
import { identity, isAlive } from '../seam/process.ts'
import { EPOCH_DIGITS } from './lock-name.ts'

export type LockComment = {
  readonly host: string
  readonly pid: number
  /** What `pid` is a number of: see seam/process.ts. */
  readonly pidNamespace: string
  /** Another one for each taking: processes of the same name and number are told apart. */
  readonly taker?: string
  readonly since: string
  readonly heartbeat: string
  readonly beats: number
  readonly released: boolean
}

/**
 * A COMMENT takes a literal and no parameter (measured on 26.7: syntax error). JSON for people to read, and nothing
 * in it that could end the literal: whatever is not plainly harmless becomes '?'.
 */
export function commentLiteral(comment: LockComment): string {
  return `'${harmless(JSON.stringify(comment))}'`
}

export function readInfo({ name, comment }: { readonly name: string; readonly comment: string }): LockInfo {
  const epoch = Number(name.slice(-EPOCH_DIGITS))
  try {
    const { host, pid, pidNamespace, since, heartbeat, released } = JSON.parse(comment) as LockComment
    return { name, epoch, host, pid, pidNamespace, since, heartbeat, released }
  } catch {
    // Somebody edited the comment: an unknown holder, stale when nothing changes it.
    return {
      name,
      epoch,
      host: 'unknown',
      pid: 0,
      pidNamespace: '',
      since: '',
      heartbeat: '',
      released: false,
    }
  }
}

/**
 * The holder's process is known to be gone: it would be seen from here, and is not. The host is compared, too, since a
 * machine restored from a snapshot has the boot id of its twin. The fence makes an error here harmless to data.
 */
export function isDead(holder: Pick<LockInfo, 'host' | 'pid' | 'pidNamespace'>): boolean {
  const me = identity()
  if (holder.host !== harmless(me.host) || holder.pidNamespace !== me.pidNamespace) return false
  return holder.pid !== me.pid && !isAlive(holder.pid)
}

/** Text as a comment holds it. */
function harmless(text: string): string {
  return text.replaceAll(/[^A-Za-z0-9 _.:{}",+-]/g, '?')
}

/** Who holds (or last held) a lock, read from the comment of its highest epoch table. */
export type LockInfo = {
  readonly name: string
  readonly epoch: number
  readonly released: boolean
  readonly host: string
  readonly pid: number
  readonly pidNamespace: string
  /** The holder's clock at acquisition and at the last heartbeat, ISO 8601 UTC: for people, never for decisions. */
  readonly since: string
  readonly heartbeat: string
}
