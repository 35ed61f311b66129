// Owns the way from what the server says is lacking to the GRANT that cures it.
import { quotedName } from './quoting.ts'

/** The statement to have run; undefined where the message names no grant. */
export function missingGrant(message: string, user: string): string | undefined {
  const [, privilege, place] =
    /the grant (.+?)(?: for at least one column)? (?:ON|on) ([^\s.]+(?:\.[^\s.]+)?)/.exec(message) ?? []
  if (privilege === undefined || place === undefined) return undefined
  const plain = privilege.replace(/\([^)]*\)/g, '')
  // Each lock is a table of its own; and whoever may create one table has to create the others.
  const wide = /^(CREATE|DROP|ALTER)/.test(plain) ? place.replace(/\.[^.]+$/, '.*') : place
  return `GRANT ${plain} ON ${wide} TO ${quotedName(user)}`
}
