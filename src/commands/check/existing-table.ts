// Owns the comparison of a DDL file with the existing table, as the server writes both: it makes a temporary table of the file.
import { blamesText, ACCESS_DENIED, missingGrant } from '../../clickhouse/error-codes.ts'
import { errorCode, originOf } from '../../clickhouse/server-error.ts'
import type { ExistingTable } from '../../clickhouse/existing-tables.ts'
import type { Server } from '../../clickhouse/server.ts'
import { type BackfillError, fileError, type Finding, type Report } from '../../model/errors.ts'
import type { SqlText, TableDefinition } from '../../model/model.ts'
import { randomId } from '../../seam/random.ts'
import { createTable } from '../../sql-syntax/create-table.ts'
import { quotedName } from '../../sql-syntax/quoting.ts'
import { temporaryForm } from '../../sql-syntax/table-forms.ts'
import type { RuleId } from '../../model/rules.ts'
import { rejectedLine, rejectedWords } from './error-line.ts'
import { type Difference, definitionsDiffer, lineOf } from '../../sql-syntax/table-definition.ts'

export type ExistingCheck = {
  readonly target: Server
  readonly table: TableDefinition
  readonly first: SqlText
  readonly existing: ExistingTable | undefined
}

/** Reports DDL that the server refuses, and a table that differs from it. Returns whether the table was compared. */
export async function checkExistingTable(check: ExistingCheck, report: Report): Promise<boolean> {
  const { target, table, first, existing } = check
  const { ddl } = table
  const reportProblem = (problem: Omit<Finding, 'file'>) =>
    report(fileError({ ...problem, file: ddl.file, line: problem.line ?? ddl.line }))
  const made = await madeDefinition(target, ddl)
  if ('refused' in made) {
    const { refused: message, sent } = made
    // The server checks columns with a default under temporary names.
    const column = /`(\w+)_tmp_alter\d+`/.exec(message)?.[1]
    const [line, sentence] =
      column === undefined
        ? [
            rejectedLine(ddl, { message, sent, linesBefore: 0 }),
            `ClickHouse ${sent === '' ? 'refuses this table' : 'cannot read this'}: ${rejectedWords(message, sent)}`,
          ]
        : [
            lineOf(ddl, { column }),
            `ClickHouse refuses the default of '${column}': it uses an unknown name, or has another type`,
          ]
    reportProblem({ rule: 'E070', line, sentence, hint: 'fix the file' })
    return false
  }
  if (existing === undefined) return false
  const name = `${target.connection.database}.${table.target}`
  const unfit = existing.shards?.problem
  if (unfit !== undefined) {
    // Nothing writes to it, and an ALTER of a comparison could be wrong on another node.
    reportProblem({ rule: 'E058', line: undefined, sentence: `${name} ${unfit.sentence}`, hint: unfit.hint })
    return true
  }
  if ('notCompared' in made) {
    const what = made.always
      ? 'tables that exist are not compared with their files'
      : `${name} is not compared`
    const sentence = `${what}: ${made.notCompared}`
    // Equal findings are reported once.
    const { file, line } = made.always ? first : ddl
    report(fileError({ rule: 'W079', file, line, sentence, hint: made.hint }))
    return false
  }
  // On a cluster, rows are written through the Distributed table and stored in the local tables.
  const differences = [existing.definition, existing.shards?.shape.definition ?? '']
    .filter((text) => text !== '')
    .flatMap((definition) => {
      const of = /^CREATE TABLE ((?:`[^`]*`|[^\s`])+)/.exec(definition)?.[1] ?? name
      return definitionsDiffer(made.definition, definition).map((difference) => ({ ...difference, of }))
    })
  // Whoever builds the table again gets its details as well.
  const isRebuilt = differences.some(
    ({ rule, here, there }) =>
      REBUILT.includes(rule) || (rule === 'E071' && there === '' && !DEFAULT.test(here)),
  )
  for (const difference of differences.filter(({ rule }) => !(isRebuilt && rule === 'W078'))) {
    const { rule, place } = difference
    const rebuilt = `\`backfill rebuild ${table.key}\` builds it as the file says`
    reportProblem({
      rule,
      line: lineOf(ddl, place),
      ...inWords(difference, rebuilt, isRebuilt),
    })
  }
  return true
}

/** What no ALTER corrects in the rows that are there. */
const REBUILT: readonly RuleId[] = ['E072', 'E073', 'E074', 'E075', 'E076']

/** Without one, rows that are there would get zeros. */
const DEFAULT = /\b(?:DEFAULT|MATERIALIZED|ALIAS) /

function inWords(
  { rule, place, what, here, there, of: table }: Difference & { readonly of: string },
  rebuilt: string,
  isRebuilt: boolean,
): Pick<Finding, 'sentence' | 'hint'> {
  if (rule === 'E071' && 'column' in place)
    return there === ''
      ? {
          sentence: `the table ${table} lacks the column '${place.column}'`,
          hint: isRebuilt ? rebuilt : `ALTER TABLE ${table} ADD COLUMN ${place.column} ${here}`,
        }
      : {
          sentence: `the table ${table} has a column '${place.column}', which the file lacks`,
          hint: `add ${place.column} ${there} to the file, or drop it from the table`,
        }
  const lacking = /(?:^|, )INDEX (\S+) (.*?GRANULARITY \d+)$/.exec(there === '' ? here : '')
  if (lacking !== null && 'clause' in place)
    return {
      sentence: `the table ${table} lacks INDEX ${lacking[1]}`,
      hint: `ALTER TABLE ${table} ADD INDEX ${lacking[1]} ${lacking[2]}; ALTER TABLE ${table} MATERIALIZE INDEX ${lacking[1]}`,
    }
  const alter = REBUILT.includes(rule) ? undefined : alterOf(place, here || there, here === '')
  return {
    sentence: `${what} ${here || 'nothing'} here and ${there || 'nothing'} in the table ${table}`,
    hint: alter === undefined ? rebuilt : `ALTER TABLE ${table} ${alter}`,
  }
}

function alterOf(place: Difference['place'], text: string, isRemoved: boolean): string | undefined {
  const [, word, value] =
    /^(TTL|CODEC|COMMENT) (.*)$/s.exec('clause' in place ? `${place.clause} ${text}` : text) ?? []
  if (word === undefined) return undefined
  const column = 'column' in place ? ` COLUMN ${place.column}` : ''
  if (isRemoved && word === 'COMMENT') return `MODIFY${column} COMMENT ''`
  if (isRemoved) return `${column === '' ? '' : `MODIFY${column} `}REMOVE ${word}`
  return `MODIFY${column} ${word === 'CODEC' ? `CODEC(${value})` : `${word} ${value}`}`
}

type MadeDefinition =
  | { readonly definition: string }
  /** Why the server refuses the table; `sent`: the text with a syntax error, else ''. */
  | { readonly refused: string; readonly sent: string }
  | { readonly notCompared: string; readonly hint: string; readonly always: boolean }

const notCompared = (why: string, hint: string, always = true) => ({ notCompared: why, hint, always })

const SESSION_SECONDS = '10'

/** The CREATE TABLE as the server writes it. Works under `readonly = 2`, with CREATE ARBITRARY TEMPORARY TABLE. @throws BackfillError `server` */
export async function madeDefinition(
  { client, connection, cluster }: Server,
  ddl: SqlText,
): Promise<MadeDefinition> {
  const query = temporaryForm(ddl)
  if (query === undefined)
    return notCompared('its engine is not a MergeTree', 'compare it with SHOW CREATE TABLE', false)
  if (cluster?.balanced)
    return notCompared('connections reach different servers', 'set TARGET_CLICKHOUSE_URL to one of them')
  const doing = `checking ${ddl.file}`
  const session = { session_id: randomId() }
  const table = quotedName(createTable(ddl).table)
  try {
    // The engine is that of a table without ENGINE.
    const clickhouse_settings = {
      session_timeout: SESSION_SECONDS,
      default_temporary_table_engine: 'MergeTree',
    } as const
    await client.command({ ...session, query, clickhouse_settings, doing })
    const [row] = await client.rows<{ readonly statement: string }>({
      ...session,
      query: `SHOW CREATE TEMPORARY TABLE ${table}`,
      doing,
    })
    await client.command({ ...session, query: `DROP TEMPORARY TABLE ${table}`, doing })
    return { definition: row!.statement }
  } catch (error) {
    const code = errorCode(error)
    const answer = originOf(error)
    if (code === 0 || !(answer instanceof Error)) throw error
    if (code === ACCESS_DENIED)
      return notCompared(
        `user '${connection.username}' may not create temporary tables`,
        missingGrant(answer.message, connection) ?? 'grant CREATE ARBITRARY TEMPORARY TABLE',
      )
    if (code === READONLY)
      return notCompared(
        `the profile of user '${connection.username}' does not let it create temporary tables`,
        'set readonly = 2 for this user',
      )
    if (!blamesText(error as BackfillError)) throw error
    return { refused: answer.message, sent: code === SYNTAX_ERROR ? query : '' }
  }
}

const [SYNTAX_ERROR, READONLY] = [62, 164]
