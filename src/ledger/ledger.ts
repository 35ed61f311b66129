// Owns the ledger of one network on the target server, as the runner knows it.
import type { LedgerPort } from '../runner/executor-port.ts'
import { ledgerReader } from './reader.ts'
import { ledgerWriter } from './writer.ts'
import type { Names } from '../clickhouse/own-databases.ts'
import type { Server } from '../clickhouse/server.ts'

export type LedgerOptions = {
  readonly server: Server
  readonly names: Names
  readonly network: string
  readonly toolVersion: string
}

export function openLedger(options: LedgerOptions): LedgerPort {
  return { ...ledgerReader(options), ...ledgerWriter(options) }
}
