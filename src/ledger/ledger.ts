// Owns the ledger of one network on the target server: its reader and its writer together.
import type { LedgerPlace } from './events.ts'
import { ledgerReader } from './reader.ts'
import { ledgerWriter } from './writer.ts'

export type LedgerPort = ReturnType<typeof openLedger>

export function openLedger(options: LedgerPlace & { readonly toolVersion: string }) {
  return { ...ledgerReader(options), ...ledgerWriter(options) }
}
