// Owns the `{name:Type}` parameters of SQL text: finding them, and checking their names and types.
import { fileError, type Finding, refuse, type Report, knownNames } from '../model/errors.ts'
import type { OwnParameter, SqlText } from '../model/model.ts'
import { significantTokens, compactText } from './lexer.ts'

export type Parameters = Readonly<Record<string, string>>

export const RUNNER_PARAMETERS: Parameters = {
  from_block: 'UInt64',
  to_block: 'UInt64',
  from: 'UInt64',
  to: 'UInt64',
  network: 'String',
  source: 'Identifier',
  target: 'Identifier',
}

/** Names of parameters that statements around a transform bind; forks and own parameters have others. */
export function isReserved(name: string): boolean {
  return /^(p\d+|backfill_.*)$/.test(name)
}

/** All parameters that a transform may use. Reports its own parameters whose names are taken. @param place of the header's `params` */
export function transformParameters(
  place: Pick<Finding, 'file' | 'line'>,
  { forks, own }: { readonly forks: readonly string[]; readonly own: readonly OwnParameter[] },
  report: Report = refuse,
): Parameters {
  const given = { ...RUNNER_PARAMETERS, ...Object.fromEntries(forks.map((fork) => [fork, 'UInt64'])) }
  const clashes = own.filter(({ name }) => Object.hasOwn(given, name) || isReserved(name))
  for (const { name } of clashes) {
    const sentence = `params: '${name}' is the name of a parameter that the runner binds`
    report(fileError({ rule: 'E033', ...place, sentence, hint: 'rename it' }))
  }
  return { ...Object.fromEntries(own.map(({ name, type }) => [name, type])), ...given }
}

/** The names of its parameters, in the order of their first use. Reports unknown names and wrong types. */
export function checkedParameters(sql: SqlText, known: Parameters, report: Report = refuse) {
  const names = new Set<string>()
  for (const { name, type, line } of usedParameters(sql)) {
    const place = { file: sql.file, line }
    const right = Object.hasOwn(known, name) ? known[name] : undefined
    if (right === undefined) {
      const hint = knownNames('parameters', name, Object.keys(known))
      report(fileError({ rule: 'E030', ...place, sentence: `unknown parameter {${name}:${type}}`, hint }))
    } else if (type !== right && !(isPosition(name) && /^DateTime(64)?(\(.*\))?$/.test(type))) {
      const sentence = `parameter '${name}' is used as ${type}`
      report(fileError({ rule: 'E031', ...place, sentence, hint: `write {${name}:${right}}` }))
    }
    names.add(name)
  }
  return [...names]
}

/** The ends of a range in any unit: a time is bound as seconds since 1970, as a number is. */
function isPosition(name: string): boolean {
  return name === 'from' || name === 'to'
}

/** Every use of a parameter, in order; `from` and `to` are the braces among the significant tokens. Braces in strings, comments, heredocs and literals are not parameters. */
export function usedParameters(sql: SqlText) {
  const tokens = significantTokens(sql)
  return tokens.flatMap((brace, from) => {
    const [name, colon] = [tokens[from + 1], tokens[from + 2]]
    if (brace.text !== '{' || name?.kind !== 'word' || colon?.text !== ':') return []
    let to = from + 3
    while (to < tokens.length && tokens[to]?.text !== '}') to++
    return [{ name: name.text, type: compactText(tokens.slice(from + 3, to)), line: brace.line, from, to }]
  })
}
