// Owns the check of audits by ClickHouse.
import type { Report } from '../../sql-syntax/problems.ts'
import { assertAuditable } from '../../targets/audits.ts'
import { describeSelect } from '../../targets/transform.ts'
import { errorLine } from './error-line.ts'
import { paramsOf } from './queries.ts'
import type { TransformCheck } from './transform.ts'

/** Of a table that exists: without it, the server knows none of its columns. */
export async function checkAudits(
  { servers, table, serverState }: Pick<TransformCheck, 'servers' | 'table' | 'serverState'>,
  report: Report,
): Promise<void> {
  if (!serverState.targets.has(table.target)) return
  const { target } = servers
  assertAuditable(servers, table)
  const params = paramsOf(servers, table)
  const { username } = target.connection
  for (const sql of table.audits ?? [])
    await describeSelect(target, sql.text, { params, settings: {}, doing: `checking ${sql.file}` }).catch(
      (error: unknown) => report(errorLine({ what: 'audit', sql, text: sql.text, username }, error)),
    )
}
