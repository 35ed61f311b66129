// Owns sql/audits/<table key>/*.sql: SELECTs of rows that must not be in a table.
import { fileError } from '../model/errors.ts'
import type { SqlText } from '../model/model.ts'
import { reportOutside } from '../sql-syntax/outside.ts'
import { checkedParameters, type Parameters } from '../sql-syntax/parameters.ts'
import { attempt, type Report } from '../sql-syntax/problems.ts'
import { tablesRead } from '../sql-syntax/table-refs.ts'
import { throwHeaderError } from './header.ts'
import { keyFolders, readSqlFiles, type SqlFile } from './sql-files.ts'
import { onlySelect } from './transform-statement.ts'

/** By table key: of each table the files of the last folder that has some. Reports folders of no table. */
export async function readAuditFiles(folders: readonly string[], keys: readonly string[], report: Report) {
  const found = new Map<string, readonly SqlFile[]>()
  for (const [key, root] of await keyFolders(folders, { what: 'audits', keys }, report))
    if (keys.includes(key)) found.set(key, await readSqlFiles(root, `audits/${key}`))
  return found
}

/** Undefined for a file that is wrong, which is reported. `known`: the parameters of the table's transform. */
export function auditOf(
  { file, text }: SqlFile,
  { target, known }: { readonly target: string; readonly known: Parameters },
  report: Report,
): SqlText | undefined {
  throwHeaderError(file, text, report)
  const sql = attempt(report, () => onlySelect(file, text, report, 'audit'))
  if (sql === undefined) return undefined
  reportOutside(sql, [], report)
  checkedParameters(sql, known, report)
  if (tablesRead(sql, 'target').has(target)) return sql
  const sentence = `the audit does not read '${target}', the table of its folder`
  const hint = `write {target:Identifier}.${target}`
  report(fileError({ rule: 'E017', file, line: sql.line, sentence, hint }))
  return undefined
}
