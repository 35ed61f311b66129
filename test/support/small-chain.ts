// Owns a chain that is loaded in no time: one successful transaction a block, a row of it in every source table. Its
// addresses lie in three of the sixteen partitions of the derived tables: what an INSERT of few rows costs is its parts.
import type { Catalogue } from '../../src/model/model.ts'
import type { Range } from '../../src/model/blocks.ts'
import { post, type TestServer } from './server.ts'

type Login = Pick<TestServer, 'url' | 'username' | 'password'>

/** The source tables that `block_slots_stat` reads. A test that has a source of its own makes only what it needs. */
export const SLOT_SOURCES = ['storage_diffs', 'transaction'] as const

/** Creates the source tables in `database`, empty: those with these short names, all nine by default. */
export async function createSourceTables(
  server: Login,
  catalogue: Catalogue,
  source: string,
  tables?: readonly string[],
): Promise<void> {
  await post(server, 'CREATE DATABASE IF NOT EXISTS {source:Identifier}', { source })
  for (const { table, ddl } of catalogue.sources)
    if (tables?.includes(table.replace('canonical_execution_', '')) ?? true)
      await post(server, ddl.text, { source })
}

/** Fills the source tables of `database` with the blocks of a network. */
export async function addBlocks(
  server: Login,
  source: string,
  {
    from,
    to,
    network = 'mainnet',
    tables = Object.keys(TABLES),
    at = `'2026-01-01 00:00:00'`,
  }: Range & {
    readonly network?: string
    /** Short names of the source tables; all by default. */
    readonly tables?: readonly string[]
    /** When the rows were written, as SQL. */
    readonly at?: string
  },
): Promise<void> {
  for (const table of tables) {
    const { columns, values } = TABLES[table]!
    await post(
      server,
      `INSERT INTO {source:Identifier}.canonical_execution_${table}
        (updated_date_time, meta_network_name, block_number, transaction_hash, ${columns})
      WITH
        n -> arrayFirst(
          address -> cityHash64(address) % 16 IN (3, 8, 13),
          arrayMap(i -> concat('0x', lower(leftPad(hex(n * 64 + i), 40, '0'))), range(64))
        ) AS address_of,
        address_of(number % 7) AS account,
        concat('0x', lower(hex(SHA256(toString(number % 13))))) AS word
      SELECT ${at}, {network:String}, number, concat('0x', lower(hex(SHA256(toString(number))))), ${values}
      FROM numbers({from:UInt64}, {blocks:UInt64})`,
      { source, network, from, blocks: to - from + 1 },
    )
  }
}

const ZERO = `concat('0x', repeat('0', 64))`

const TABLES: Readonly<Record<string, { readonly columns: string; readonly values: string }>> = {
  balance_diffs: { columns: 'address, from_value, to_value', values: 'account, 1, 2' },
  balance_reads: { columns: 'address, balance', values: 'account, 1' },
  contracts: {
    columns: 'contract_address',
    values: 'address_of(1000 + number)',
  },
  nonce_diffs: { columns: 'address, from_value, to_value', values: 'account, number, number + 1' },
  nonce_reads: { columns: 'address, nonce', values: 'account, number' },
  storage_diffs: { columns: 'address, slot, from_value, to_value', values: `account, word, ${ZERO}, word` },
  storage_reads: { columns: 'contract_address, slot, value', values: `account, word, ${ZERO}` },
  traces: { columns: 'action_from, action_type', values: `account, if(number % 5 = 0, 'suicide', 'call')` },
  transaction: { columns: 'from_address, success', values: 'account, true' },
}

/** All source tables but SLOT_SOURCES. */
export const OTHER_SOURCES = Object.keys(TABLES).filter((table) => !SLOT_SOURCES.some((one) => one === table))
