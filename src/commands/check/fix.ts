// Owns the repair of transforms whose columns do not fit into their target: a SELECT around them that casts.
import type { SqlText, TableDefinition } from '../../model/model.ts'
import { changeFile } from '../../project/written-files.ts'
import { shown } from '../../project/sql-files.ts'
import { clauseSettings } from '../../project/transform-statement.ts'
import type { ColumnProblem } from '../../sql-syntax/column-fit.ts'
import { isKeyword, significantTokens } from '../../sql-syntax/lexer.ts'
import { quoteIdentifier } from '../../sql-syntax/quoting.ts'
import type { Misfits } from './queries.ts'

/** Rewrites the files of `folder`, and no other; `lines`: what was done to each, or why not. @throws BackfillError `usage` for one that cannot be written: it is as it was */
export async function writeRepairs(folder: string, misfits: Misfits) {
  const written: string[] = []
  const lines: string[] = []
  for (const [table, problems] of misfits) {
    const path = `${folder}/transforms/${table.key}.sql`
    const { file } = table.transform
    const columns = repairs(problems)
    const repaired = repairedFile(table, problems)
    if (columns.length === 0) continue
    if (file !== shown(path))
      lines.push(`Left ${file} as it is: --fix writes only the last folder, ${shown(folder)}`)
    else if (repaired === undefined) lines.push(`Left ${file} as it is: ${BY_HAND}`)
    else {
      await changeFile(path, table.rawHash, repaired)
      written.push(file)
      lines.push(`Wrote ${file}: a SELECT around it ${doneTo(columns)}`)
      const cut = columns.filter(({ fractions }) => fractions === true).map(({ column }) => column)
      if (cut.length > 0)
        lines.push(
          `  It cuts fractions of ${cut.join(', ')} off, as an INSERT does; if you mean another value, such as round(…), write it inside`,
        )
    }
  }
  return { written, lines }
}

function doneTo(columns: readonly ColumnProblem[]): string {
  const parts = [
    ['converts', columns.filter(({ repair }) => repair !== '')],
    ['leaves out', columns.filter(({ repair }) => repair === '')],
  ] as const
  return parts
    .filter(([, some]) => some.length > 0)
    .map(([verb, some]) => `${verb} ${some.map(({ column }) => column).join(', ')}`)
    .join(', and ')
}

const BY_HAND =
  'with a SELECT around it, its SETTINGS or its shared step would no longer count; write the casts by hand'

/** The whole file; undefined if no problem can be repaired, or only by hand. */
export function repairedFile(
  { transform, rawText, shared }: Pick<TableDefinition, 'transform' | 'rawText' | 'shared'>,
  problems: readonly ColumnProblem[],
): string | undefined {
  const columns = repairs(problems)
  const at = rawText.indexOf(transform.text)
  const end = bodyEnd(transform)
  // A shared step has to stay the outermost WITH.
  if (columns.length === 0 || at === -1 || end === undefined || shared !== undefined) return undefined
  const [body, settings] = [transform.text.slice(0, end), transform.text.slice(end).trimStart()]
  const names = columns.map(({ column }) => quoteIdentifier(column)).join(', ')
  const values = columns.filter(({ repair }) => repair !== '').map(({ repair }) => `,\n    ${repair}`)
  const why = values.length === 0 ? '' : `    ${WHY}\n`
  const lines = (text: string) => (rawText.includes('\r\n') ? text.replaceAll('\n', '\r\n') : text)
  const head = lines(`SELECT\n${why}    * EXCEPT (${names})${values.join('')}\nFROM (\n`)
  const text = head + body.trimEnd() + lines('\n)') + (settings && lines('\n') + settings)
  return rawText.slice(0, at) + text + rawText.slice(at + transform.text.length)
}

const WHY = '-- A value that does not fit fails its range, in place of being stored as another one.'

function repairs(problems: readonly ColumnProblem[]): readonly ColumnProblem[] {
  return problems.filter(({ repair }) => repair !== undefined)
}

/** Where its SETTINGS begin, which count only at the end of the whole; undefined if they stand elsewhere, as before a UNION. */
function bodyEnd(transform: SqlText): number | undefined {
  if (Object.keys(clauseSettings(transform)).length === 0) return transform.text.length
  const tokens = significantTokens(transform)
  const at = tokens.findLastIndex((token) => token.depth === 0 && isKeyword(token, 'SETTINGS'))
  const isLast = at > 0 && !tokens.slice(at).some((token) => isKeyword(token, 'UNION', 'INTERSECT', 'EXCEPT'))
  return isLast ? tokens[at - 1]!.end : undefined
}
