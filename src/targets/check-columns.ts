// Owns the check before a run that ClickHouse accepts each transform and that its columns fit the target.
import { usageError } from '../model/errors.ts'
import type { TableDefinition } from '../model/model.ts'
import { columnProblems, type OutputColumn } from '../sql-syntax/column-fit.ts'
import { derivedInputs, type Scope } from '../model/choose.ts'
import type { TargetPort, TargetTable } from './target.ts'

export type DescribePort = {
  /** Names and types of the columns that a transform yields; reads no rows. */
  describe(table: TableDefinition): Promise<readonly OutputColumn[]>
}

type CheckScope = Pick<Scope, 'catalogue'> & {
  readonly ports: {
    readonly target: Pick<TargetPort, 'database' | 'ddlColumns'>
    readonly executor: DescribePort
  }
}

/**
 * Checks the tables whose inputs exist; returns the tables that read derived tables which do not exist yet.
 * A target that does not exist is checked by its DDL file.
 * @throws BackfillError `usage` with file and line and every problem of the first table that has one
 */
export async function checkTables(
  { ports, catalogue }: CheckScope,
  tables: readonly TableDefinition[],
  targets: ReadonlyMap<string, TargetTable>,
): Promise<readonly TableDefinition[]> {
  const keys = tables.map(({ key }) => key)
  const exists = (key: string) =>
    targets.has(catalogue.tables.find((table) => table.key === key)?.target ?? '')
  const isReady = (table: TableDefinition) =>
    [...derivedInputs(table), ...(table.lookups ?? []).filter((name) => keys.includes(name))].every(exists)
  const outcomes = await Promise.allSettled(
    tables.filter(isReady).map(async (table) => {
      const target = targets.get(table.target)
      if (target?.problem !== undefined)
        throw usageError(
          `${ports.target.database}.${table.target} ${target.problem.sentence}`,
          target.problem.hint,
        )
      const columns = target?.columns ?? (await ports.target.ddlColumns(table))
      const problems = columnProblems(await ports.executor.describe(table), columns)
      const { file, line } = table.transform
      if (problems.length > 0) throw usageError(`${file}:${line}: ${problems.join('; ')}`)
    }),
  )
  for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason
  return tables.filter((table) => !isReady(table))
}
