// Owns the check of audits by ClickHouse.
import type { BackfillError } from '../../model/errors.ts'
import { blamesText } from '../../clickhouse/error-codes.ts'
import { errorCode, originOf } from '../../clickhouse/server-error.ts'
import type { Report } from '../../sql-syntax/problems.ts'
import { assertAuditable } from '../../targets/audits.ts'
import { describeSelect } from '../../targets/transform.ts'
import { errorLine } from './error-line.ts'
import { someParams } from './queries.ts'
import type { TransformCheck } from './transform.ts'

/** Of a table that exists: without it, the server knows none of its columns. */
export async function checkAudits(
  { servers, table, serverState }: Pick<TransformCheck, 'servers' | 'table' | 'serverState'>,
  report: Report,
): Promise<void> {
  if (!serverState.targets.has(table.target)) return
  const { source, target } = servers
  assertAuditable({ source, target }, table)
  const params = someParams(servers, table)
  for (const audit of table.audits ?? []) {
    try {
      await describeSelect(target, audit.text, { params, settings: {}, doing: `checking ${audit.file}` })
    } catch (error) {
      const answer = originOf(error)
      const asked = { what: 'audit', sql: audit, username: target.connection.username }
      if (!(answer instanceof Error) || !blamesText(error as BackfillError)) throw error
      report(errorLine(asked, { code: errorCode(error), message: answer.message, text: audit.text }))
    }
  }
}
