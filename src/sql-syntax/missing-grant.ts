// Owns turning the server's message about a missing right into the GRANT that fixes it.
import { quotedName } from './quoting.ts'

/** The GRANT statement; undefined if the message names no grant. */
export function missingGrant(message: string, user: string): string | undefined {
  const [, privilege, place] =
    /the grant (.+?)(?: for at least one column)? (?:ON|on) ([^\s.]+(?:\.[^\s.]+)?)/.exec(message) ?? []
  if (privilege === undefined || place === undefined) return undefined
  const plain = privilege.replace(/\([^)]*\)/g, '')
  // Each lock is a separate table; and a user that creates one table has to create the others, too.
  const wide = /^(CREATE|DROP|ALTER)/.test(plain) ? place.replace(/\.[^.]+$/, '.*') : place
  return `GRANT ${plain} ON ${wide} TO ${quotedName(user)}`
}
