// Owns escaping control characters in foreign text, so that a terminal shows them instead of executing them. Pure.

/** The text in one line: line breaks, tabs, escape codes and direction marks become `\n`, `\t`, `\x1b`. */
export function visible(text: string): string {
  return text.replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, shown)
}

/** As `visible`, but lines and tabs stay. */
export function escapeControlCharacters(text: string): string {
  return text.replaceAll(/(?![\n\t])[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, shown)
}

function shown(character: string): string {
  const code = character.codePointAt(0) ?? 0
  const hex = code.toString(16)
  return NAMES[character] ?? (code < 256 ? `\\x${hex.padStart(2, '0')}` : `\\u{${hex}}`)
}

const NAMES: Readonly<Record<string, string>> = { '\n': '\\n', '\t': '\\t', '\r': '\\r' }
