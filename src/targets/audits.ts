// Owns running the audits of a table: SELECTs whose rows must not be there.
import { namedBlocks, type Range } from '../model/blocks.ts'
import { type BackfillError, failedError, fileError, usageError } from '../model/errors.ts'
import type { Network, SqlText, TableDefinition } from '../model/model.ts'
import { blamesText } from '../clickhouse/error-codes.ts'
import { messageOf } from '../clickhouse/server-error.ts'
import type { Server } from '../clickhouse/server.ts'
import { boundStatement, usedParameters } from '../sql-syntax/parameters.ts'
import { normalForm } from '../sql-syntax/statements.ts'
import { unspaced } from '../sql-syntax/lexer.ts'
import { describeSelect, SOME_RANGE, transformParams } from './transform.ts'

type AuditOptions = Readonly<Record<'source' | 'target', Server>> & { readonly network: Network }

const [MOST_ROWS, MOST_CHARACTERS] = [3, 200]

export function openAudits({ source, target, network }: AuditOptions) {
  const paramsOf = (table: TableDefinition, range: Range) =>
    transformParams({ table, range, network, source: source.connection, target: target.connection })

  async function ask(table: TableDefinition, range: Range, audit: SqlText) {
    const params = paramsOf(table, range)
    const rows = await target.client.rows<Record<string, unknown>>({
      // The whole in brackets: it may end with SETTINGS, or be a UNION.
      query: `SELECT * FROM (\n${audit.text}\n) LIMIT ${MOST_ROWS + 1}`,
      query_params: params,
      clickhouse_settings: { readonly: '2', output_format_json_quote_64bit_integers: 1 },
      doing: `auditing ${namedBlocks([range])} of ${table.key} (${audit.file})`,
    })
    if (rows.length === 0) return
    const bound = { ...audit, text: boundStatement({ transform: audit, settings: {} }, params) }
    const more = rows.length > MOST_ROWS ? ' and more' : ''
    throw failedError(
      `the audit ${audit.file} found rows in ${namedBlocks([range])} of ${table.key}: ${rows.slice(0, MOST_ROWS).map(rowText).join(', ')}${more}`,
      `All of them: ${unspaced(normalForm(bound))}; when the source, the SQL or the audit is right, the next run computes the range again`,
    )
  }

  return {
    /** @throws BackfillError `failed` with the first rows that an audit finds, and its statement */
    audit: async (table: TableDefinition, range: Range): Promise<void> => {
      for (const audit of table.audits ?? []) await ask(table, range, audit)
    },
    /** Before the first range: an audit that the server does not understand would fail each. @throws BackfillError `usage` */
    describeAudits: async (table: TableDefinition): Promise<void> => {
      for (const { file, line, text } of table.audits ?? []) {
        const call = { params: paramsOf(table, SOME_RANGE), settings: {}, doing: `checking ${file}` }
        await describeSelect(target, text, call).catch((error: unknown) => {
          if (!blamesText(error as BackfillError)) throw error
          throw usageError(
            `${file}:${line}: ClickHouse rejects this audit: ${messageOf(error)}`,
            `Fix the file (backfill check ${table.key} names the line), or run \`up --no-audits\``,
          )
        })
      }
    },
  }
}

/** @throws BackfillError `usage` for audits that read source tables where these are on another server */
export function assertAuditable(
  { source, target }: Readonly<Record<'source' | 'target', Pick<Server, 'info'>>>,
  { audits = [] }: Pick<TableDefinition, 'audits'>,
): void {
  const both = audits.find((audit) => usedParameters(audit).some(({ name }) => name === 'source'))
  if (both === undefined || source.info.identity === target.info.identity) return
  throw fileError({
    rule: 'E066',
    file: both.file,
    line: both.line,
    sentence: 'an audit runs on the target, and the source tables are on another server',
    hint: 'compare with a derived table',
  })
}

function rowText(row: Readonly<Record<string, unknown>>): string {
  const values = Object.entries(row).map(
    ([name, value]) => `${name} ${typeof value === 'string' ? value : JSON.stringify(value)}`,
  )
  const text = values.join(', ')
  return `(${text.length > MOST_CHARACTERS ? `${text.slice(0, MOST_CHARACTERS)}…` : text})`
}
