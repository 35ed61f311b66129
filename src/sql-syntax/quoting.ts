// Owns quoting names and values for a statement's text.

export function quoteIdentifier(identifier: string): string {
  return `\`${escapeIdentifier(identifier)}\``
}

export function escapeIdentifier(identifier: string): string {
  return identifier.replaceAll(/[\\`]/g, '\\$&')
}

/** A string in single quotes; unprintable characters are escaped, so that it survives a terminal and a paste. */
export function quoteString(text: string): string {
  const escaped = text
    .replaceAll('\\', '\\\\')
    .replaceAll("'", "\\'")
    // `\x` writes a byte: characters above 127 are more than one in UTF-8, so they stay as they are.
    .replaceAll(
      /(?=\p{ASCII})\p{Cc}/gu,
      (one) => ESCAPES[one] ?? `\\x${one.charCodeAt(0).toString(16).padStart(2, '0')}`,
    )
  return `'${escaped}'`
}

const ESCAPES: Readonly<Record<string, string>> = { '\n': '\\n', '\t': '\\t', '\r': '\\r' }

/** As people write it: in back-quotes where it needs them. */
export function quotedName(name: string): string {
  return /^[A-Za-z_]\w*$/.test(name) ? name : quoteIdentifier(name)
}
