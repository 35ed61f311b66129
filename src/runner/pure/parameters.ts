// Owns the `{name:Type}` parameters of SQL text: which there are, and that each is known and of the right type.
import { usageError } from '../errors.ts'
import type { OwnParameter, SqlText } from '../model.ts'
import { knownNames } from './nearest.ts'
import { significantTokens } from './sql-lexer.ts'
import { compactText } from './token-groups.ts'

/** Types by name. */
export type Parameters = Readonly<Record<string, string>>

/** What the runner binds in a transform, apart from forks and the transform's own parameters. */
export const RUNNER_PARAMETERS: Parameters = {
  from_block: 'UInt64',
  to_block: 'UInt64',
  network: 'String',
  source: 'Identifier',
  target: 'Identifier',
}

/**
 * All parameters that a transform may use.
 * Throws a usage error if a parameter of its own bears the name of another one.
 */
export function transformParameters(
  file: string,
  { forks, own }: { readonly forks: readonly string[]; readonly own: readonly OwnParameter[] },
): Parameters {
  const given: Parameters = {
    ...RUNNER_PARAMETERS,
    ...Object.fromEntries(forks.map((fork) => [fork, 'UInt64'])),
  }
  const clash = own.find(({ name }) => Object.hasOwn(given, name))
  if (clash !== undefined) {
    throw usageError(
      `${file}: params: '${clash.name}' is the name of a parameter that the runner binds`,
      'rename it',
    )
  }
  return { ...given, ...Object.fromEntries(own.map(({ name, type }) => [name, type])) }
}

/**
 * The names of the parameters that a statement uses, in the order of their first use.
 * Throws a usage error with file and line for an unknown name and for a type other than the known one.
 */
export function checkedParameters(sql: SqlText, known: Parameters): readonly string[] {
  const names = new Set<string>()
  for (const { name, type, line } of usedParameters(sql)) {
    const place = `${sql.file}:${line}`
    const right = Object.hasOwn(known, name) ? known[name] : undefined
    if (right === undefined) {
      throw usageError(
        `${place}: unknown parameter {${name}:${type}}`,
        knownNames('parameters', name, Object.keys(known)),
      )
    }
    if (type !== right) {
      throw usageError(`${place}: parameter '${name}' is used as ${type}`, `write {${name}:${right}}`)
    }
    names.add(name)
  }
  return [...names]
}

export type UsedParameter = { readonly name: string; readonly type: string; readonly line: number }

/** Every use of a parameter, in order. Braces in strings, comments, heredocs and literals are no parameters. */
export function usedParameters(sql: SqlText): readonly UsedParameter[] {
  const tokens = significantTokens(sql)
  const used: UsedParameter[] = []
  for (const [index, brace] of tokens.entries()) {
    const [name, colon] = [tokens[index + 1], tokens[index + 2]]
    if (brace.text !== '{' || name?.kind !== 'word' || colon?.text !== ':') continue
    let end = index + 3
    while (end < tokens.length && tokens[end]?.text !== '}') end++
    const type = compactText(tokens.slice(index + 3, end))
    used.push({ name: name.text, type, line: brace.line })
  }
  return used
}
