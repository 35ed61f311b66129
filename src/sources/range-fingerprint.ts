// Owns the fingerprint of what a range is computed from: its source rows, and the coverage of the tables it reads.
import type { Range } from '../model/blocks.ts'
import type { TableDefinition } from '../model/model.ts'
import type { LedgerPort } from '../ledger/ledger.ts'
import type { SourcePort } from './source-port.ts'

/** Equal fingerprints of one range mean that a statement would read the same rows. Survives merges. */
export async function fingerprintOf(
  {
    source,
    ledger,
  }: { readonly source: Pick<SourcePort, 'fingerprint'>; readonly ledger: Pick<LedgerPort, 'mark'> },
  table: TableDefinition,
  inputs: ReadonlyMap<string, string>,
  range: Range,
): Promise<string> {
  return joinFingerprint(
    ...(await Promise.all([source.fingerprint(table.sources, range), ledger.mark(inputs, range)])),
  )
}

/** The fingerprint of the sources and the mark of the inputs in one string. */
export function joinFingerprint(sources: string, mark: string): string {
  return [sources, mark].filter((part) => part !== '').join(' ')
}
