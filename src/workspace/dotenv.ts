// Owns the lines of `.env`: `NAME=value` counts exactly as written, and a line that is anything else is an error. Pure.
import { usageError } from '../model/errors.ts'

/** `NAME=`, then a quoted value, which may span lines, or the rest of the line. */
const SETTING =
  /^[ \t]*(?:export[ \t]+)?([A-Za-z_][\w.-]*)[ \t]*=(?:[ \t]*(["'`])((?:(?!\2)[^])*)\2(?:[ \t]+#.*)?[ \t]*|((?![ \t]*["'`]).*))$/my

/** Blank lines and comments. */
const NOTHING = /^[ \t]*(?:#.*)?(?:\n|$)/my

/**
 * The variables of a `.env` file, name -> value. `#` begins a comment at the beginning of a line and behind a blank; in
 * double quotes `\n` is a newline.
 * @param file its name, for errors
 * @throws BackfillError `usage` naming file and line, never the line's text, which may be a password
 */
export function parseDotenv(file: string, source: string): Readonly<Record<string, string>> {
  const text = source.replaceAll('\r\n', '\n')
  const line = (at: number) => `${file}:${text.slice(0, at).split('\n').length}`
  const odd = text.search(/[\r\u2028\u2029]/)
  if (odd !== -1)
    throw usageError(
      `${line(odd)}: a carriage return, or a line separator of Unicode, ends no line`,
      'end lines with a newline; remove the other character',
    )
  const found: Record<string, string> = {}
  for (let at = 0; at < text.length;) {
    NOTHING.lastIndex = SETTING.lastIndex = at
    const setting = NOTHING.test(text) ? undefined : SETTING.exec(text)
    if (setting === null)
      throw usageError(
        `${line(at)}: the line sets nothing`,
        'write NAME=value, or NAME="value" for a value with quotes or # in it; # begins a comment',
      )
    if (setting === undefined) {
      at = NOTHING.lastIndex
      continue
    }
    const [, name, quote, quoted, bare = ''] = setting
    found[name!] = quoted === undefined ? bare.replace(/\s#.*$/, '').trim() : unquoted(quote, quoted)
    at = SETTING.lastIndex + 1
  }
  return found
}

function unquoted(quote: string | undefined, text: string): string {
  return quote === '"' ? text.replaceAll('\\n', '\n') : text
}
