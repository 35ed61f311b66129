// Owns the ledger of one network on the target server, as the runner knows it.
import type { LedgerPort } from '../runner/ports.ts'
import { ledgerReader } from './ledger-reader.ts'
import { ledgerWriter } from './ledger-writer.ts'
import type { Names } from './names.ts'
import type { Server } from './server.ts'

export type LedgerOptions = {
  readonly server: Server
  readonly names: Names
  readonly network: string
  readonly toolVersion: string
}

export function openLedger(options: LedgerOptions): LedgerPort {
  return { ...ledgerReader(options), ...ledgerWriter(options) }
}
