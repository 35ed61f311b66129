// Owns the identity of this process: its host, its number, the PID namespace of that number, and which processes live.
import { readFileSync, readlinkSync } from 'node:fs'
import { constants, hostname } from 'node:os'
import { randomId } from './random.ts'
import { replaceable } from './replaceable.ts'

export type ProcessIdentity = {
  readonly host: string
  readonly pid: number
  /** The PID namespace, and the boot of the kernel that it belongs to: `pid` means nothing outside it. '' on macOS and Windows. */
  readonly pidNamespace: string
}

type ThisProcess = {
  identity(): ProcessIdentity
  isAlive(pid: number): boolean
  /** Ends this process by a signal, with the action that the signal has by default. */
  end(signal: NodeJS.Signals): void
}

let pidNamespace: string | undefined

const { present, replace } = replaceable<ThisProcess>({
  identity: () => ({
    host: hostname(),
    pid: process.pid,
    pidNamespace: (pidNamespace ??= readPidNamespace()),
  }),
  isAlive(pid) {
    try {
      process.kill(pid, 0)
      return true
    } catch (error) {
      return (error as NodeJS.ErrnoException).code !== 'ESRCH' // EPERM: it lives, as another user's
    }
  },
  end: (signal) => void process.kill(process.pid, signal),
})

export const replaceThisProcess = replace
export const identity: ThisProcess['identity'] = () => present().identity()
export const isAlive: ThisProcess['isAlive'] = (pid) => present().isAlive(pid)
export const endThisProcess: ThisProcess['end'] = (signal) => present().end(signal)

/** Whether this program runs in the container image: the Dockerfile sets the variable. Hints differ there. */
export function isInImage(): boolean {
  return process.env['BACKFILL_IMAGE'] !== undefined
}

/**
 * Whether `nohup` started this process, or the script that it is a part of. It tells by ignoring SIGHUP, which Node forgets
 * when it starts; what is left is the variable in which shells name the command, and what the parent ignores (Linux).
 */
export function isKeptFromHangUp(): boolean {
  if (/(^|\/)nohup$/.test(process.env['_'] ?? '')) return true
  try {
    const [, ignored] = /^SigIgn:\s*(\w+)$/m.exec(readFileSync(`/proc/${process.ppid}/status`, 'utf8'))!
    return (BigInt(`0x${ignored}`) & SIGHUP_BIT) !== 0n
  } catch {
    return false
  }
}

const SIGHUP_BIT = 1n << BigInt(constants.signals.SIGHUP - 1)

/** Number of the user as which this process runs; undefined where users have none (Windows). */
export function userId(): number | undefined {
  return process.getuid?.()
}

/** The name under which the person who typed the command is logged in; '' where the environment does not say it. */
export function person(): string {
  return process.env['USER'] ?? process.env['USERNAME'] ?? ''
}

/** The variables that name proxies, as curl and others read them. */
export function proxyEnvironment(): Readonly<Record<string, string | undefined>> {
  return Object.fromEntries(
    ['HTTP_PROXY', 'HTTPS_PROXY', 'NO_PROXY']
      .flatMap((name) => [name, name.toLowerCase()])
      .map((name) => [name, process.env[name]]),
  )
}

/** `user id 1000`: the user as which this process reads and writes files. */
export function fileUser(): string {
  return process.getuid === undefined ? 'the user that runs backfill' : `user id ${process.getuid()}`
}

/**
 * Two containers may have one host name, and each has its own process 7. The namespace's number is unique on one kernel,
 * and the boot id identifies the kernel. If either cannot be read (Deno without --allow-all, no /proc), no process counts
 * as being in the same namespace: then only the heartbeat shows whether a holder is alive.
 */
function readPidNamespace(): string {
  if (process.platform !== 'linux') return ''
  try {
    const namespace = /\d+/.exec(readlinkSync('/proc/self/ns/pid'))?.[0] ?? randomId()
    return `${namespace} of boot ${readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()}`
  } catch {
    return randomId()
  }
}
