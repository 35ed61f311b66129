// Owns the values of a transform's parameters.
import type { Network, TableDefinition } from '../model/model.ts'
import type { Range } from '../model/blocks.ts'

export type TransformCall = {
  readonly table: TableDefinition
  readonly range: Range
  readonly network: Network
  /** Databases of the source tables and of the derived tables. */
  readonly source: string
  readonly target: string
}

export function transformParams(call: TransformCall): Record<string, unknown> {
  const { table, range, network, source, target } = call
  return {
    from_block: range.from,
    to_block: range.to,
    network: network.name,
    source,
    target,
    ...network.forks,
    ...Object.fromEntries(table.params.map(({ name, value }) => [name, value])),
  }
}
