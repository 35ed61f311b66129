// Owns masking secrets in output. Pure.

export const MASK = '***'

/** Replaces every secret in the text. A secret of up to three letters stays, because masking each `a` would reveal it. */
export function mask(text: string, secrets: readonly string[]): string {
  return secrets.reduce(
    (masked, secret) => (secret.length < 4 ? masked : masked.replaceAll(secret, MASK)),
    text,
  )
}

/** Masks the credentials of a URL, even of an invalid one: everything up to the last @, and the query. */
export function maskUrl(text: string): string {
  return text.replace(/^([a-z][a-z0-9+.-]*:\/\/)?.*@/is, `$1${MASK}@`).replace(/\?.*$/s, `?${MASK}`)
}
