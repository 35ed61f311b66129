// Owns breaking sentences at blanks for a terminal. Pure.
import { columnsOf } from './printable.ts'

/**
 * Lines of at most `width` columns; all but the first are indented. A command in backticks stays in one line, or is
 * broken so that a shell can take it: `\` before each break. A longer word stays whole.
 */
export function wrap(text: string, width: number, indent = '  '): readonly string[] {
  const lines: string[] = []
  for (const span of text.match(/(?:`[^`]*`|\S)+/g) ?? []) {
    const isLong = indent.length + columnsOf(span) > width
    const words = isLong ? span.split(' ') : [span]
    for (const [at, word] of words.entries()) {
      const line = lines.at(-1)
      // Room for the backslash, wherever the command may be broken behind this word.
      const room = width - (isLong && at < words.length - 1 ? ' \\'.length : 0)
      if (line === undefined) lines.push(word)
      else if (columnsOf(`${line} ${word}`) <= room) lines[lines.length - 1] = `${line} ${word}`
      else {
        if (at > 0) lines[lines.length - 1] = `${line} \\`
        lines.push(indent + word)
      }
    }
  }
  return lines
}
