// Owns where `serve` listens, and which Host a browser may have asked for. Pure.
import { usageError } from '../../model/errors.ts'
import type { Word } from '../../workspace/values.ts'

export type Address = { readonly host: string; readonly port: number }

/** `127.0.0.1:8477`, `[::1]:8477`, `localhost:0` (any free port). @throws BackfillError `usage` */
export function listenAddress({ text, place }: Word): Address {
  const [, bracketed, plain, port = ''] = /^(?:\[([\da-f:.]+)\]|([\w.-]+)):(\d{1,5})$/i.exec(text) ?? []
  const host = bracketed ?? plain
  if (host === undefined || Number(port) > 65_535)
    throw usageError(`${place} must be an address and a port such as 127.0.0.1:8477, got '${text}'`)
  return { host, port: Number(port) }
}

/**
 * Whether a request with this Host header is answered. On loopback only its own names are: a foreign name that resolves to
 * 127.0.0.1 would let a web page read what only this machine may see (DNS rebinding).
 */
export function isOurHost(listening: string, header: string | undefined): boolean {
  if (!isLoopback(listening)) return true
  return isLoopback((header ?? '').replace(/:\d{1,5}$/, '').replace(/^\[(.*)\]$/, '$1'))
}

function isLoopback(host: string): boolean {
  return /^(localhost|::1|(::ffff:)?127(\.\d{1,3}){3})$/i.test(host)
}
