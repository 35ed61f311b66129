// Owns the comparison of a range: the transform's rows, computed again, against the table's rows. Reads only.
import { BackfillError, usageError } from '../../model/errors.ts'
import type { Network, TableDefinition } from '../../model/model.ts'
import type { Range } from '../../model/blocks.ts'
import type { ExecutorPort } from '../../runner/executor-port.ts'
import type { Comparison, Example, NotCompared, Sums } from './report.ts'
import { determinismOf } from '../../clickhouse/determinism.ts'
import type { Server } from '../../clickhouse/server.ts'
import { existingTables } from '../../clickhouse/existing-tables.ts'
import { readerOf } from '../../targets/transform.ts'
import { transformParams } from '../../targets/transform.ts'
import { keysBehind, keysByBuckets } from './compare-two-servers.ts'
import { joined } from './compare-join.ts'
import {
  type Ask,
  type KeyDifferences,
  NO_DIFFERENCES,
  type Question,
  SUMS,
  type SumsRow,
  sumsOf,
} from './compare-question.ts'
import { COLLAPSING_ENGINES, type Sides, sidesOf, type TargetFacts } from './compare-sides.ts'

export type VerifierOptions = {
  readonly source: Server
  readonly target: Server
  readonly network: Network
  readonly executor: Pick<ExecutorPort, 'describe'>
}

export function openVerifier({ source, target, network, executor }: VerifierOptions) {
  const known = new Map<TableDefinition, Promise<Sides>>()

  async function findSides(table: TableDefinition): Promise<Sides> {
    const [output, facts] = await Promise.all([executor.describe(table), factsOf(target, table)])
    if (table.rows.kind === 'per-key' && !COLLAPSING_ENGINES.test(facts.engine))
      throw usageError(
        `${table.key} is 'rows: per-key', but its engine ${facts.engine} keeps every row: there is no row of a key to compare with`,
        `Make it a ReplacingMergeTree in ${table.ddl.file}, then backfill rebuild ${table.key}`,
      )
    return sidesOf(
      table,
      facts,
      output.map(({ name }) => name),
    )
  }

  function sides(table: TableDefinition): Promise<Sides> {
    const found = known.get(table) ?? findSides(table)
    known.set(table, found)
    return found
  }

  function asker(table: TableDefinition, range: Range, signal: AbortSignal): Ask {
    const databases = { source: source.connection.database, target: target.connection.database }
    const query_params = {
      ...transformParams({ table, range, network, ...databases }),
      backfill_database: target.connection.database,
      backfill_table: table.target,
    }
    return async <Row>(server: Server, query: string, params: Readonly<Record<string, unknown>> = {}) =>
      await server.client.rows<Row>({
        query,
        query_params: { ...query_params, ...params },
        clickhouse_settings: { ...table.settings, ...READING },
        abort_signal: signal,
        doing: `verifying blocks ${range.from}-${range.to} of ${table.key}`,
      })
  }

  return {
    /** The compared columns, and the columns that cannot be compared because their default, such as now(), varies. */
    columns: async (
      table: TableDefinition,
    ): Promise<{ readonly compared: readonly string[]; readonly not: readonly NotCompared[] }> => {
      const { compared, not } = await sides(table)
      return { compared, not }
    },

    /**
     * Computes the range again and compares it with the table's rows.
     * @throws BackfillError `usage` if a table's rows cannot be compared; `failed`, `server`
     */
    async compare(table: TableDefinition, range: Range, signal: AbortSignal): Promise<Comparison> {
      const reader = readerOf({ source, target }, table)
      const isOneServer = reader === target
      const question: Question = {
        table,
        range,
        sides: await sides(table),
        reader,
        target,
        ask: asker(table, range, signal),
      }
      if (table.rows.kind === 'per-key') {
        const { recomputed, ...found } = await (isOneServer ? joined(question) : keysBehind(question))
        return await comparison(question, { recomputed, stored: undefined }, found)
      }
      const sums = await (isOneServer ? sumsOnOneServer(question) : sumsOnTwoServers(question))
      if (isSame(sums)) return await comparison(question, sums, NO_DIFFERENCES)
      return await comparison(
        question,
        sums,
        await (isOneServer ? joined(question) : keysByBuckets(question)),
      )
    },
  }
}

const READING = {
  // block_number in a table's key may be filtered before its rows are merged.
  optimize_move_to_prewhere_if_final: 1,
  cancel_http_readonly_queries_on_client_close: 1,
  // Statements contain the keys that are sent from one server to the other.
  max_query_size: '100000000',
  // The server enforces that nothing is written.
  readonly: '2',
} as const

type BothSums = { readonly recomputed: Sums; readonly stored: Sums }

function isSame({ recomputed, stored }: BothSums): boolean {
  return recomputed.rows === stored.rows && recomputed.keys === stored.keys && recomputed.hash === stored.hash
}

/** One statement: the server sums both sides. */
async function sumsOnOneServer({ ask, target, sides }: Question): Promise<BothSums> {
  const rows = await ask<SumsRow & { readonly is_stored: boolean }>(
    target,
    `SELECT is_stored, ${SUMS} FROM (
      SELECT false AS is_stored, backfill_key, backfill_hash FROM (${sides.recomputed})
      UNION ALL
      SELECT true AS is_stored, backfill_key, backfill_hash FROM (${sides.stored})
    ) GROUP BY is_stored`,
  )
  const of = (stored: boolean) => sumsOf(rows.find((row) => row.is_stored === stored))
  return { recomputed: of(false), stored: of(true) }
}

/** Each server sums its own side. */
async function sumsOnTwoServers({ ask, reader, target, sides }: Question): Promise<BothSums> {
  const [[recomputed], [stored]] = await Promise.all([
    ask<SumsRow>(reader, `SELECT ${SUMS} FROM (${sides.recomputed})`),
    ask<SumsRow>(target, `SELECT ${SUMS} FROM (${sides.stored})`),
  ])
  return { recomputed: sumsOf(recomputed), stored: sumsOf(stored) }
}

/** Fetches the rows of the example keys from both sides. */
async function comparison(
  { ask, reader, target, sides }: Question,
  sums: Pick<Comparison, 'recomputed' | 'stored'>,
  { counts, keys, atLeast }: KeyDifferences,
): Promise<Comparison> {
  const rowsOf = async (server: Server, side: string): Promise<ReadonlyMap<string, readonly string[]>> => {
    if (keys.length === 0) return new Map()
    const rows = await ask<{ key: string; row: string[] }>(
      server,
      `SELECT hex(backfill_key) AS key, any(backfill_values) AS row FROM (${side})
      WHERE has({backfill_keys:Array(String)}, key) GROUP BY key`,
      { backfill_keys: keys.map(({ key }) => key) },
    )
    return new Map(rows.map(({ key, row }) => [key, row]))
  }
  const [ours, theirs] = await Promise.all([rowsOf(reader, sides.recomputed), rowsOf(target, sides.stored)])
  const examples = keys.map(({ kind, key }): Example => ({
    kind,
    recomputed: ours.get(key) ?? null,
    stored: theirs.get(key) ?? null,
  }))
  return { ...sums, differences: counts, atLeast, examples }
}

async function factsOf(server: Server, { target }: TableDefinition): Promise<TargetFacts> {
  const table = (await existingTables(server, [target])).get(target)
  if (table === undefined)
    throw new BackfillError(
      `${server.connection.database}.${target} was dropped while it was being verified`,
      {
        kind: 'failed',
      },
    )
  const determinism = await determinismOf(
    server,
    table.columns.map(({ expression }) => expression),
  )
  return {
    ...table,
    columns: table.columns.map((column, index) => ({ ...column, determinism: determinism[index]! })),
  }
}
