// Owns reading from /proc what a process listens on (Linux).

import { readFileSync, readdirSync, readlinkSync } from 'node:fs'

/** `address:port` of every TCP socket that a process listens on. */
export function listeners(pid: number): readonly string[] {
  const open = new Set(readdirSync(`/proc/${pid}/fd`).map((fd) => readlinkSync(`/proc/${pid}/fd/${fd}`)))
  return ['tcp', 'tcp6']
    .flatMap((table) => readFileSync(`/proc/${pid}/net/${table}`, 'utf8').split('\n').slice(1))
    .map((line) => line.trim().split(/\s+/))
    .filter(([, , , state, , , , , , inode]) => state === LISTEN && open.has(`socket:[${inode}]`))
    .map(([, local = '']) => readable(local))
}

const LISTEN = '0A'

/** `0100007F:1F90` is 127.0.0.1:8080: the address is little-endian. */
function readable(local: string): string {
  const [address = '', port = ''] = local.split(':')
  return `${Buffer.from(address, 'hex').toReversed().join('.')}:${Number.parseInt(port, 16)}`
}
