// Owns the lint of a transform: valid SQL that is probably a mistake, such as a table without a database.
import { type BackfillError, fileError } from '../../model/errors.ts'
import type { SqlText } from '../../model/model.ts'
import { tableReads, tablesRead } from '../../sql-syntax/table-refs.ts'
import type { TableDraft } from '../../project/table-draft.ts'
import { usedParameters } from '../../sql-syntax/parameters.ts'

/** `targets`: the target of each table key. */
export function* lintTransform(
  transform: SqlText,
  { file, header, lines }: Pick<TableDraft, 'file' | 'header' | 'lines'>,
  targets: ReadonlyMap<string, string | undefined>,
): Generator<BackfillError, void> {
  for (const { parameter, database, table, line } of tableReads(transform)) {
    if (parameter !== undefined || database === 'system') continue
    const fixed = database !== undefined
    yield fileError({
      rule: fixed ? 'W047' : 'E044',
      file,
      line,
      sentence: fixed
        ? `reads '${database}.${table}' of a fixed database, which does not limit the table's blocks`
        : `reads '${table}' without a database`,
      hint: `write {source:Identifier}.${table} or {target:Identifier}.${table}, and name it in the header`,
    })
  }
  const used = new Set(usedParameters(transform).map(({ name }) => name))
  for (const { name } of (header.params ?? []).filter((one) => !used.has(one.name))) {
    const sentence = `params: '${name}' is never used`
    yield fileError({ rule: 'W035', file, line: lines.get('params'), sentence, hint: 'remove it, or use it' })
  }
  const [sources, derived] = [tablesRead(transform, 'source'), tablesRead(transform, 'target')]
  for (const name of (header.sources ?? []).filter((source) => !sources.has(source))) {
    const sentence = `sources: '${name}' is never read, but still limits the table's blocks`
    yield fileError({
      rule: 'W045',
      file,
      line: lines.get('sources'),
      sentence,
      hint: 'remove it, or read it',
    })
  }
  for (const key of header.after ?? []) {
    const target = targets.get(key)
    if (target === undefined || derived.has(target)) continue
    const sentence = `after: '${key}' (${target}) is never read, but the table still waits for it`
    yield fileError({
      rule: 'W046',
      file,
      line: lines.get('after'),
      sentence,
      hint: 'remove it, or read it',
    })
  }
}
