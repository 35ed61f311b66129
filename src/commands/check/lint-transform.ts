// Owns the lint of a transform: valid SQL that is probably a mistake, such as a table without a database.
import { type BackfillError, fileError } from '../../model/errors.ts'
import type { SqlText } from '../../model/model.ts'
import type { RuleId } from '../../model/rules.ts'
import { significantTokens } from '../../sql-syntax/lexer.ts'
import { selectAround, tableReads, tablesRead } from '../../sql-syntax/table-refs.ts'
import type { TableDraft } from '../../project/definition-checks.ts'
import { usedParameters } from '../../sql-syntax/parameters.ts'

/** `targets`: the target of each table key. */
export function* lintTransform(
  transform: SqlText,
  { file, header, lines }: Pick<TableDraft, 'file' | 'header' | 'lines'>,
  targets: ReadonlyMap<string, string | undefined>,
): Generator<BackfillError, void> {
  const problem = (rule: RuleId, line: number | undefined, sentence: string, hint: string) =>
    fileError({ rule, file, line, sentence, hint })
  const tokens = significantTokens(transform)
  for (const { parameter, database, table, line, from } of tableReads(transform)) {
    const around = selectAround(tokens, from)
    const bound = (name: string) => around.some(({ text }) => text === name)
    if (
      parameter === 'target' &&
      header.rows?.kind === 'per-block' &&
      bound('to_block') &&
      !bound('from_block')
    )
      yield problem(
        'W039',
        line,
        `reads '${table}' from its first block on, but waits only for the blocks of its own range: rows of earlier blocks that arrive later make nothing stale`,
        'read from {from_block:UInt64} on, or fill the tables without --from and --order newest',
      )
    if (parameter !== undefined || database === 'system') continue
    const hint = `write {source:Identifier}.${table} or {target:Identifier}.${table}, and name it in the header`
    yield database === undefined
      ? problem('E044', line, `reads '${table}' without a database`, hint)
      : problem(
          'W047',
          line,
          `reads '${database}.${table}' of a fixed database, which does not limit the table's blocks`,
          hint,
        )
  }
  const used = new Set(usedParameters(transform).map(({ name }) => name))
  for (const { name } of (header.params ?? []).filter((one) => !used.has(one.name)))
    yield problem('W035', lines.get('params'), `params: '${name}' is never used`, 'remove it, or use it')
  const [sources, derived] = [tablesRead(transform, 'source'), tablesRead(transform, 'target')]
  for (const name of (header.sources ?? []).filter((source) => !sources.has(source))) {
    const sentence = `sources: '${name}' is never read, but still limits the table's blocks`
    yield problem('W045', lines.get('sources'), sentence, 'remove it, or read it')
  }
  for (const key of header.after ?? []) {
    const target = targets.get(key)
    if (target === undefined || derived.has(target)) continue
    const sentence = `after: '${key}' (${target}) is never read, but the table still waits for it`
    yield problem('W046', lines.get('after'), sentence, 'remove it, or read it')
  }
}
