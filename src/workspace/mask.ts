// Owns masking secrets in output. Pure.

export const MASK = '***'

/**
 * Replaces every secret in the text, and every word of base64 that has one in it: a login travels so, and what stands before a server
 * may quote it. A secret of up to three letters stays, because masking each `a` would reveal it.
 */
export function mask(text: string, secrets: readonly string[]): string {
  const long = secrets.filter((secret) => secret.length >= 4)
  if (long.length === 0) return text
  const holdsOne = (word: string) => {
    const meant = String(Buffer.from(word, 'base64'))
    return long.some((secret) => meant.includes(secret))
  }
  return long
    .reduce((masked, secret) => masked.replaceAll(secret, MASK), text)
    .replaceAll(/[\w+/-]{8,}={0,2}/g, (word) => (holdsOne(word) ? MASK : word))
}

/**
 * An address for messages, however it is mistyped: of `http://user:pass@host:1/path?query` only `http://***@host:1/***`
 * stays. What may be a part of a password does not: all up to the last @, all behind the host (`host=h password=p` ends with it, too), a port that is no number.
 */
export function maskUrl(text: string): string {
  if (/^https?:\/\/[^/@?#;=,&]*(\/[^@?#]*)?$/i.test(text) && URL.canParse(text)) return text
  const [, scheme = '', rest = ''] = /^([a-z][a-z0-9+.-]*:\/\/)?(.*)$/is.exec(text.trim()) ?? []
  const at = rest.lastIndexOf('@')
  const [, host = '', port = '', tail = ''] =
    /^([^:/?#\s;=,&]*|\[[^\]/?#]*\])(?::([^/?#]*))?(.*)$/s.exec(rest.slice(at + 1)) ?? []
  const shownPort = port === '' ? '' : `:${/^\d{1,5}$/.test(port) ? port : MASK}`
  return `${scheme}${at < 0 ? '' : `${MASK}@`}${host}${shownPort}${tail === '' || tail === '/' ? tail : `${tail[0]}${MASK}`}`
}
