// Owns the ledger of one network on the target server, as the runner knows it: what is read and what is written.
import type { LedgerPlace } from './events.ts'
import { ledgerReader } from './reader.ts'
import { ledgerWriter } from './writer.ts'

export type LedgerPort = ReturnType<typeof openLedger>

export function openLedger(options: LedgerPlace & { readonly toolVersion: string }) {
  return { ...ledgerReader(options), ...ledgerWriter(options) }
}
