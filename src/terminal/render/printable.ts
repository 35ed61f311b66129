// Owns the last step before anything is printed: foreign text can neither command a terminal or a CI log nor begin a line.
import pc from 'picocolors'
import { randomId } from '../../seam/random.ts'
import type { Colors } from './format.ts'

/** Stands for the escape character of our own colours until a line is printed. Foreign text cannot know it. */
let mark: string | undefined

const ownEscape = (): string => (mark ??= `\ufdd0${randomId()}\ufdd0`)

/** Colours whose codes survive `printable`. */
export function markedColors(enabled: boolean): Colors {
  const plain = pc.createColors(false)
  if (!enabled) return plain
  const painted = Object.entries(pc.createColors(true)).map(([name, paint]) => {
    if (typeof paint !== 'function') return [name, paint]
    const [open = '', close = ''] = paint('\0').replaceAll('\u001b', ownEscape()).split('\0')
    return [name, (text: string) => `${open}${text}${close}`]
  })
  return Object.fromEntries(painted) as Colors
}

/** How many columns a line takes: our colours take none. */
export function columnsOf(line: string): number {
  return line.replaceAll(new RegExp(`(?:${ownEscape()}|\\p{Cc})\\[\\d+m`, 'gu'), '').length
}

/** One line as it is printed: control characters and line breaks escaped, no command of a CI system, our colours applied. */
export function printable(line: string): string {
  const own = ownEscape()
  const escaped = escapeControlCharacters(line).replaceAll('\n', '\\n').replaceAll(CI_PREFIX, '#\\#')
  const code = `${own}\\[\\d+m`
  return escaped.replace(new RegExp(`^((?:\\s|${code})*)::`), '$1\\::').replaceAll(own, '\u001b')
}

/** `##[command]` of GitHub and `##vso[…]` of Azure count anywhere in a line; `::command::` only at its beginning. */
const CI_PREFIX = /##(?=\w*\[)/g

/** JSON with every character escaped that a terminal or a CI log could obey: it means the same. */
export function printableJson(json: string): string {
  return json
    .replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, (character) =>
      Array.from({ length: character.length }, (_, at) => hex(character.charCodeAt(at))).join(''),
    )
    .replaceAll(CI_PREFIX, '#\\u0023')
}

function hex(code: number): string {
  return `\\u${code.toString(16).padStart(4, '0')}`
}

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
  const digits = code.toString(16)
  return NAMES[character] ?? (code < 256 ? `\\x${digits.padStart(2, '0')}` : `\\u{${digits}}`)
}

const NAMES: Readonly<Record<string, string>> = { '\n': '\\n', '\t': '\\t', '\r': '\\r' }
