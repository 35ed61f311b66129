// Owns how secrets are kept out of what people read. Pure.

export const MASK = '***'

/** Replaces every secret in the text. One of three letters or fewer stays: hiding each `a` would tell it. */
export function mask(text: string, secrets: readonly string[]): string {
  return secrets.reduce(
    (masked, secret) => (secret.length < 4 ? masked : masked.replaceAll(secret, MASK)),
    text,
  )
}

/** Hides the credentials of a URL, also of one too broken to be parsed: all up to the last @, and the query. */
export function maskUrl(text: string): string {
  return text.replace(/^([a-z][a-z0-9+.-]*:\/\/)?.*@/is, `$1${MASK}@`).replace(/\?.*$/s, `?${MASK}`)
}
