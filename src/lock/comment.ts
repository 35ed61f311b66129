// Owns what a lock's comment says: who holds it, since when, and that it lives. For people; the fence decides.
import { hostname } from 'node:os'
import { EPOCH_DIGITS } from './lock-name.ts'

export type LockComment = {
  readonly host: string
  readonly pid: number
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
  return `'${JSON.stringify(comment).replaceAll(/[^A-Za-z0-9 _.:{}",+-]/g, '?')}'`
}

export function readInfo({ name, comment }: { readonly name: string; readonly comment: string }): LockInfo {
  const epoch = Number(name.slice(-EPOCH_DIGITS))
  try {
    const { host, pid, since, heartbeat, released } = JSON.parse(comment) as LockComment
    return { name, epoch, host, pid, since, heartbeat, released }
  } catch {
    // Somebody edited the comment: an unknown holder, stale when nothing changes it.
    return { name, epoch, host: 'unknown', pid: 0, since: '', heartbeat: '', released: false }
  }
}

/** A holder of this very host whose process is gone. The fence makes an error here harmless to data. */
export function isDead({ host, pid }: LockInfo): boolean {
  if (host !== commentHost() || pid === process.pid) return false
  try {
    process.kill(pid, 0)
    return false
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ESRCH'
  }
}

/** This host's name as a comment would hold it. */
function commentHost(): string {
  return hostname().replaceAll(/[^A-Za-z0-9 _.:{}",+-]/g, '?')
}

/** Who holds (or last held) a lock, read from the comment of its highest epoch table. */
export type LockInfo = {
  readonly name: string
  readonly epoch: number
  readonly released: boolean
  readonly host: string
  readonly pid: number
  /** The holder's clock at acquisition and at the last heartbeat, ISO 8601 UTC: for people, never for decisions. */
  readonly since: string
  readonly heartbeat: string
}
