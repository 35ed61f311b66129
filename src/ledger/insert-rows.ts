// Owns rows that are sent as data behind their statement: they are too long for parameters, which travel in the URL.
import type { Range } from '../model/blocks.ts'
import type { LedgerPlace } from './events.ts'

type Insertion = {
  /** Of the ledger's database. */
  readonly table: string
  /** Of columns that are no String; these come first. */
  readonly types: Readonly<Record<string, string>>
  /** Columns that the server fills, as expressions. */
  readonly computed: Readonly<Record<string, string>>
  readonly rows: readonly object[]
  /** A condition without which nothing is written. */
  readonly where?: { readonly text: string; readonly params: Readonly<Record<string, unknown>> }
  readonly doing: string
}

/** @throws BackfillError `server` */
export async function insertRows(
  { server, names }: Pick<LedgerPlace, 'server' | 'names'>,
  { table, types, computed, rows, where, doing }: Insertion,
): Promise<void> {
  const columns = [...new Set([types, ...rows].flatMap((row) => Object.keys(row)))]
  await server.client.command({
    query: `INSERT INTO {ledger:Identifier}.${table} (${[...columns, ...Object.keys(computed)].join(', ')})
      SELECT ${[...columns, ...Object.values(computed)].join(', ')} FROM input({structure:String})${where ? ` WHERE ${where.text}` : ''}
      FORMAT JSONEachRow\n${rows.map((row) => JSON.stringify(row)).join('\n')}`,
    query_params: {
      ...where?.params,
      ledger: names.ledger,
      structure: columns.map((column) => `${column} ${types[column] ?? 'String'}`).join(', '),
    },
    doing,
  })
}

/** Ranges in a column. */
export const RANGES = 'Array(Tuple(range_from UInt64, range_to UInt64))'

/** A range as such a column has it. */
export const rowOf = ({ from, to }: Range) => ({ range_from: from, range_to: to })
