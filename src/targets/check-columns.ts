// Owns the check before a run that ClickHouse accepts each transform, and that its columns fit the target.
import { attempt, type BackfillError, failedError, ignore, usageError } from '../model/errors.ts'
import type { SqlText, TableDefinition } from '../model/model.ts'
import {
  columnMisfits,
  columnProblems,
  type ColumnProblem,
  type OutputColumn,
} from '../sql-syntax/column-fit.ts'
import { ddlColumns } from '../sql-syntax/create-table.ts'
import { unspaced } from '../sql-syntax/lexer.ts'
import { ddlClauses } from '../sql-syntax/ddl-clauses.ts'
import { derivedInputs, type Scope } from '../model/choose.ts'
import type { TargetPort, TargetTable } from './target.ts'
import { isReplacing, lintDdl } from './lint-ddl.ts'
import { plainInputsError } from './plain-inputs.ts'

export type DescribePort = {
  /** Names and types of the columns that a transform yields; reads no rows. */
  describe(table: TableDefinition): Promise<readonly OutputColumn[]>
}

type CheckScope = Pick<Scope, 'catalogue'> & {
  readonly ports: {
    readonly target: Pick<TargetPort, 'database' | 'ddlColumns' | 'misplacedRows'>
    readonly executor: DescribePort
  }
}

/** What becomes of a table whose transform fits the DDL files, but not the table, or a table that it reads, that exists: it alone cannot be built. */
export type OnMisfit = (key: string, error: BackfillError) => void

/**
 * A target that does not exist is checked by its DDL file; returns the tables whose inputs do not exist yet. @throws BackfillError `usage` with file
 * and line and all problems of a table; `failed` for a target, or a table read with FINAL, that is not as its file says, unless `onMisfit` takes it
 */
export async function checkTables(
  { ports, catalogue }: CheckScope,
  tables: readonly TableDefinition[],
  targets: ReadonlyMap<string, TargetTable>,
  onMisfit: OnMisfit = (_, error) => {
    throw error
  },
): Promise<readonly TableDefinition[]> {
  const keys = tables.map(({ key }) => key)
  const exists = (key: string) =>
    targets.has(catalogue.tables.find((table) => table.key === key)?.target ?? '')
  const isReady = (table: TableDefinition) =>
    [...derivedInputs(table), ...(table.lookups ?? []).filter((name) => keys.includes(name))].every(exists)
  for (const table of tables) {
    const lost = lossError(ports.target.database, table, targets.get(table.target))
    if (lost?.kind === 'usage') throw lost
    if (lost !== undefined) onMisfit(table.key, lost)
  }
  const outcomes = await Promise.allSettled(
    tables.filter(isReady).map(async (table) => {
      const target = targets.get(table.target)
      if (target?.problem !== undefined)
        throw usageError(
          `${ports.target.database}.${table.target} ${target.problem.sentence}`,
          target.problem.hint,
        )
      const misplaced = await placementError(ports.target, table, target)
      if (misplaced !== undefined) return onMisfit(table.key, misplaced)
      const plain = plainInputsError(table, { catalogue, database: ports.target.database, targets })
      if (plain !== undefined) return onMisfit(table.key, plain)
      const described = await ports.executor.describe(table)
      const misfits = target === undefined ? [] : columnMisfits(described, target.columns)
      if (target !== undefined && misfits.length === 0) return
      const problems = columnProblems(described, await ports.target.ddlColumns(table))
      const { file, line } = table.transform
      if (problems.length > 0) throw usageError(`${file}:${line}: ${problems.join('; ')}`)
      if (misfits.length > 0) onMisfit(table.key, misfitError(ports.target.database, table, misfits))
    }),
  )
  for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason
  return tables.filter((table) => !isReady(table))
}

/** Why rows of one key would be on two shards. Of a table with rows per block, a range is written to the same shards as a whole. */
async function placementError(
  port: Pick<TargetPort, 'database' | 'misplacedRows'>,
  { key, target: name, rows }: TableDefinition,
  target: Pick<TargetTable, 'sharding' | 'problem'> | undefined,
): Promise<BackfillError | undefined> {
  const { sharding, problem } = target ?? {}
  // With a problem of its own, a shard may have no such table to look into.
  if (rows.kind === 'per-block' || sharding?.key === undefined || problem !== undefined) return undefined
  const misplaced = await port.misplacedRows(sharding)
  if (misplaced === 0) return undefined
  return failedError(
    `${port.database}.${name} has rows on other shards than those on which its sharding key ${unspaced(sharding.key.text)} puts them now (its shards, their weights or that key have changed), so a key would have several rows`,
    `\`backfill rebuild ${key}\` builds it on the shards of now`,
  )
}

/** Why rows would replace one another (E055), or the last one inserted all others of its key (E053), in a table that exists, as the server writes it; `usage` where the file says the same. */
function lossError(
  database: string,
  { key, target, ddl, rows, position }: TableDefinition,
  present: Pick<TargetTable, 'definition'> | undefined,
): BackfillError | undefined {
  // What stands there may be no CREATE TABLE: its engine says so elsewhere.
  const lost = (text: SqlText) =>
    attempt(ignore, () => [...lintDdl(text, rows, position)])?.find(
      ({ finding }) =>
        finding?.rule === 'E055' || (finding?.rule === 'E053' && isReplacing(ddlClauses(text).engine)),
    )
  const name = `${database}.${target}`
  const found = lost(present === undefined ? ddl : { file: name, text: present.definition, line: 1 })
  if (found === undefined) return undefined
  const inFile = lost(ddl)
  // With blocks in order the last row is the latest: a file may want that, and `check` says so.
  if (inFile?.finding?.rule === 'E053') return undefined
  if (inFile !== undefined) return inFile
  const hint = `\`backfill rebuild ${key}\` builds it as ${ddl.file} says`
  return failedError(`${name}: ${found.finding!.sentence}`, hint)
}

function misfitError(
  database: string,
  { key, target, ddl }: TableDefinition,
  misfits: readonly ColumnProblem[],
): BackfillError {
  return failedError(
    `${database}.${target} is not as ${ddl.file} says: ${misfits.map(({ sentence }) => sentence).join('; ')}`,
    misfits.every(({ rule }) => rule === 'E063')
      ? `\`backfill check ${key}\` says what to type`
      : `\`backfill rebuild ${key}\` builds it as the file says; \`backfill check ${key}\` lists all differences`,
  )
}

/** The same by the DDL file alone: no transform is described. The server is asked only if a type is written in another way. */
export async function misfitOfFile(
  port: Pick<TargetPort, 'database' | 'ddlColumns' | 'misplacedRows'>,
  table: TableDefinition,
  present: Pick<TargetTable, 'columns' | 'sharding' | 'problem' | 'definition'>,
): Promise<BackfillError | undefined> {
  const lost = lossError(port.database, table, present) ?? (await placementError(port, table, present))
  if (lost !== undefined) return lost
  const typeOf = (name: string) => present.columns.find((one) => one.name === name)?.type ?? ''
  const isSame = ddlColumns(table.ddl).every(({ name, type }) => type === typeOf(name))
  const written = isSame ? ddlColumns(table.ddl) : await port.ddlColumns(table)
  const misfits = columnMisfits(
    written
      .filter(({ defaultKind }) => defaultKind !== 'MATERIALIZED' && defaultKind !== 'ALIAS')
      // A column may have its type from its default alone.
      .map(({ name, type }) => ({ name, type: type || typeOf(name) })),
    present.columns,
  )
  if (misfits.length === 0) return undefined
  const { message, hint } = misfitError(port.database, table, misfits)
  return failedError(message.replaceAll('the transform', 'the file'), hint)
}
