// Owns the mapping of ClickHouse's error about a statement to a line of the file and to a shorter message.
import { type BackfillError, fileError, type Finding } from '../../model/errors.ts'
import type { Connection } from '../../clickhouse/connection.ts'
import { blamesText, ACCESS_DENIED, missingGrant, UNKNOWN_IDENTIFIER } from '../../clickhouse/error-codes.ts'
import { errorCode, originOf } from '../../clickhouse/server-error.ts'
import { describeStatement } from '../../targets/transform.ts'
import type { SqlText } from '../../model/model.ts'
import { selectAround, tableReads } from '../../sql-syntax/table-refs.ts'
import {
  isKeyword,
  isName,
  significantTokens,
  type Token,
  unquoted,
  closingAt,
} from '../../sql-syntax/lexer.ts'

export type ErrorLine = {
  readonly message: string
  /** The text sent to the server: the statement on its own lines, perhaps with other lines before it. */
  readonly sent: string
  readonly linesBefore: number
}

/**
 * By the position in the message; without one, the first mention of a quoted name in the SELECT that the message calls
 * the scope; without a mention, the first line of the scope or the statement.
 */
export function rejectedLine(sql: SqlText, { message, sent, linesBefore }: ErrorLine): number {
  const upTo = textUpTo(sent, message)
  if (upTo !== undefined) {
    const last = sql.line + sql.text.split('\n').length - 1
    return Math.min(last, sql.line + upTo.split('\n').length - 1 - linesBefore)
  }
  const tokens = significantTokens(sql)
  const scopes = scopesOf(sql, message.split(SCOPE)[1] ?? '')
  for (const name of quotedNames(message))
    for (const place of [...scopes, tokens]) {
      const found = place.find((token) => isNamed(token, name))
      if (found !== undefined) return found.line
    }
  return (scopes[0] ?? tokens)[0]?.line ?? sql.line
}

/** The message without positions in the sent text and without the statement that the server repeats. */
export function rejectedWords(message: string, sent = ''): string {
  const upTo = textUpTo(sent, message)
  if (upTo !== undefined) {
    const near = /^\w+|^\S/.exec(sent.slice(upTo.length))?.[0]
    return near === undefined ? 'syntax error at the end' : `syntax error at '${near}'`
  }
  const line = (message.split('\n').find((part) => part.trim() !== '') ?? message).trim()
  const [sentence = ''] = line.split(SCOPE)
  const meant = /Maybe you meant:? ?\[?([^\]]+?)\]?[.?]*$/.exec(line)?.[1]
  const error = sentence.replace(/[.,:]?\s*$/, '').replace(/\.? Maybe you meant.*$/, '')
  return meant === undefined ? error : `${error}. Maybe you meant ${meant}`
}

function quotedNames(message: string): readonly string[] {
  const [sentence = ''] = message.split(SCOPE)
  return [...sentence.matchAll(/(?:[`'"]|family: )([A-Za-z_][\w.]*)(?:[`'"]|\.)/g)].map(([, name]) =>
    name!.split('.').at(-1)!,
  )
}

/** The text before a syntax error. The server counts bytes from 1; the line that it names, too, may be lost in the client. */
function textUpTo(sent: string, message: string): string | undefined {
  const position = /^Syntax error.*?failed at position (\d+)/s.exec(message)?.[1]
  if (position === undefined) return undefined
  return new TextDecoder().decode(new TextEncoder().encode(sent).slice(0, Number(position) - 1))
}

const SCOPE = /\bin (?:scope|query)\b/i

/** The SELECTs that read the scope's tables, or the SELECT that the scope names. */
function scopesOf(sql: SqlText, scope: string): readonly (readonly Token[])[] {
  const tokens = significantTokens(sql)
  const [, name] = /^\s*`?(\w+)`?\s*\.?\s*(?:Maybe|$)/.exec(scope) ?? []
  const at = tokens.findIndex(
    (token, index) =>
      name !== undefined &&
      isNamed(token, name) &&
      isKeyword(tokens[index + 1], 'AS') &&
      tokens[index + 2]?.text === '(',
  )
  if (at !== -1) {
    const close = closingAt(tokens, at + 2)
    return [tokens.slice(at + 3, close === -1 ? undefined : close)]
  }
  const read = new Set(
    [...scope.matchAll(/\bFROM (?:[^\s.]+\.)?(?:`([^`]+)`|(\w+))/g)].map(
      ([, quoted, bare]) => quoted ?? bare,
    ),
  )
  return tableReads(sql)
    .filter(({ table }) => read.has(table))
    .map(({ from }) => selectAround(tokens, from))
}

const isNamed = (token: Token, name: string): boolean => isName(token) && unquoted(token) === name

const NO_TABLE = { rule: 'E062', hint: 'correct the name, or create the table' } as const

const BY_CODE: Readonly<Record<number, Pick<Finding, 'rule' | 'hint'>>> = {
  [UNKNOWN_IDENTIFIER]: { rule: 'E061', hint: 'correct the name' },
  60: NO_TABLE,
  81: NO_TABLE,
  // `max(a) AS a, min(a)`: the server takes the second `a` for the alias.
  184: {
    rule: 'E060',
    hint: 'give the alias a name that no column has, or write `--! settings: prefer_column_name_to_alias = 1`',
  },
}

/** `text`: as it was sent to be described. */
type Asked = {
  readonly what: string
  readonly sql: SqlText
  readonly text: string
  readonly connection: Connection
}

/** The finding for a SELECT that the server does not describe. @throws an error that is not about its text or a right */
export function errorLine({ what, sql, text, connection }: Asked, error: unknown): BackfillError {
  const [code, answer] = [errorCode(error), originOf(error)]
  if (!(answer instanceof Error) || (code !== ACCESS_DENIED && !blamesText(error as BackfillError)))
    throw error
  const { message } = answer
  const sent = describeStatement(text)
  const place = { file: sql.file, line: rejectedLine(sql, { message, sent, linesBefore: 1 }) }
  if (code === ACCESS_DENIED) {
    const lacks = `user '${connection.username}' lacks a grant: ${rejectedWords(message)}`
    return fileError({
      rule: 'E080',
      ...place,
      sentence: lacks,
      hint: missingGrant(message, connection) ?? 'grant it',
    })
  }
  const sentence = `ClickHouse rejects this ${what}: ${rejectedWords(message, sent)}`
  const known = BY_CODE[code] ?? { rule: 'E060', hint: (error as BackfillError).hint ?? 'fix the file' }
  return fileError({ ...place, sentence, ...known })
}
