// Owns what a table's chunks are computed from besides the sources, and whether that has changed since an attempt.
import { readInputs, windowOf } from '../ledger/built-from.ts'
import type { Attempt } from '../ledger/events.ts'
import type { Network } from '../model/model.ts'
import { forksText } from '../planning/stale-ranges.ts'
import { inputsOf, type TableInput, type TableStatus } from '../planning/table-status.ts'
import { inputsText } from './chunk-inputs.ts'
import type { Ports } from './workspace.ts'

export type TableReads = {
  /** First block of each fork that the transform uses, for the ledger. */
  readonly forks: string
  readonly inputs: readonly TableInput[]
}

export function readsOf(
  { table }: Pick<TableStatus, 'table'>,
  {
    network,
    tableStatuses,
  }: { readonly network: Network; readonly tableStatuses: ReadonlyMap<string, TableStatus> },
): TableReads {
  return { forks: forksText(table, network), inputs: inputsOf(table, tableStatuses) }
}

/** Whether the inputs are in the versions that the attempt read, as far as its range goes. */
export async function readSame(
  { ledger }: Pick<Ports, 'ledger'>,
  inputs: readonly TableInput[],
  { range, inputs: text }: Pick<Attempt, 'range' | 'inputs'>,
): Promise<boolean> {
  const read = readInputs(text)
  const positions = new Map(inputs.map(({ key }) => [key, read.get(key)?.position ?? ([0, 0] as const)]))
  if (inputsText({ inputs, range }, positions) !== text) return false
  const questions = inputs.map((input) => ({
    ...input,
    since: positions.get(input.key)!,
    window: windowOf(input, range),
  }))
  return (await ledger.inputChanges(questions)).length === 0
}
