// Owns the words for where a table's rows are computed and how they get to where they belong.
import type { TableDefinition } from '../../model/model.ts'
import type { Wire } from '../../model/wire-names.ts'

export type Topology = {
  /** Source and target are one server. */
  readonly oneServer: boolean
  /** How rows cross where they are two. */
  readonly wire: Wire
}

export function tableMode(
  { sources, after }: Pick<TableDefinition, 'sources' | 'after'>,
  { oneServer, wire }: Topology,
): string {
  if (oneServer) return 'inside the server'
  if (sources.length === 0) return 'inside the target: it reads derived tables only'
  if (after.length > 0) return 'not possible: it reads source tables and derived tables, on two servers'
  return wire === 'none' ? 'streamed, plain' : `streamed, packed by ${wire}`
}
