// Owns the names of all statements that the protocol sends. One that has no name fails the history that sends it.
import { APPENDS } from './appends.ts'
import { OF_ADOPT } from './of-adopt.ts'
import { OF_DIGESTS } from './of-digests.ts'
import { OF_EVENTS } from './of-events.ts'
import { OF_LEDGER } from './of-ledger.ts'
import { OF_REBUILD } from './of-rebuild.ts'
import { OF_SERVER } from './of-server.ts'
import { OF_TABLES } from './of-tables.ts'
import type { Statement } from './sent.ts'

/** Of those that fit, the first counts: an append of a checkpoint holds a fold. First come those whose texts are always new. */
export const STATEMENTS: readonly Statement[] = [
  ...APPENDS,
  ...OF_SERVER,
  ...OF_LEDGER,
  ...OF_EVENTS,
  ...OF_REBUILD,
  ...OF_TABLES,
  ...OF_ADOPT,
  ...OF_DIGESTS,
]

/** The text of a statement is mostly the same again. */
const known = new Map<string, Statement>()
const MOST_KNOWN = 1_000

export function statementOf(text: string): Statement {
  const before = known.get(text)
  if (before !== undefined) return before
  const found = STATEMENTS.find(({ words }) => words.every((word) => text.includes(word)))
  if (found === undefined) throw new UnknownStatement(`the simulation does not know this statement: ${text}`)
  if (known.size >= MOST_KNOWN) known.clear()
  known.set(text, found)
  return found
}

/** A gap of the simulation, not an error of ClickHouse. */
export class UnknownStatement extends Error {}
