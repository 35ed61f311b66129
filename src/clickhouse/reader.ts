// Owns on which server a transform is computed.
import { fileError } from '../runner/errors.ts'
import type { TableDefinition } from '../runner/model.ts'
import type { Server } from './server.ts'

/** @throws BackfillError `usage` for a transform whose inputs are on different servers */
export function readerOf(
  { source, target }: { readonly source: Server; readonly target: Server },
  { key, sources, after, transform }: TableDefinition,
): Server {
  if (source.info.identity === target.info.identity || sources.length === 0) return target
  if (after.length === 0) return source
  throw fileError({
    rule: 'E066',
    file: transform.file,
    line: transform.line,
    sentence: `${key} reads source tables and derived tables, which are on different servers (${source.connection.url}, ${target.connection.url})`,
    hint: 'Split it into two transforms, or keep source and target on one server',
  })
}
