// Owns the words for why a table, or a whole run, stands still: the same in live lines, the log, JSON and `status`. Pure.
import { namedPosition } from './blocks.ts'

export type Standstill =
  /** Everything that the sources have is done. */
  | { readonly reason: 'source'; readonly block: number }
  /** Some sources lack these blocks; `block` is the first. */
  | { readonly reason: 'incomplete'; readonly block: number; readonly blocks: number }
  | { readonly reason: 'lock'; readonly host: string; readonly pid: number }
  /** A table that it reads is not done at this block, or has stopped there. */
  | (LackingInput & { readonly reason: 'input'; readonly others?: readonly LackingInput[] })
  /** `delete`: a DELETE that has not ended for long. `paused` by a person, or throttled by `load`: `found` says by whom, or what. `unreachable`: as a run tells the others. */
  | { readonly reason: 'disk' | 'paused' | 'load' | 'unreachable' | 'delete'; readonly found: string }
  /** The server has not answered for so long, and nothing says that it is gone. */
  | { readonly reason: 'silent'; readonly forMs: number }
  | { readonly reason: 'unreachable'; readonly server: string; readonly giveUpMs: number }

type LackingInput = { readonly input: string; readonly block: number; readonly failed: boolean }

/** More inputs than these are counted. */
const NAMED_INPUTS = 3

/** The words, `lock of host runner-2 (process 4711)`; `waitedMs`: how long it has stood still. */
export function standstillText(standstill: Standstill, waitedMs: number): string {
  if ('found' in standstill) return standstill.found
  switch (standstill.reason) {
    case 'source':
      return `source at ${namedPosition(standstill.block)}`
    case 'incomplete':
      return `incomplete ${namedPosition(standstill.block)}${standstill.blocks > 1 ? ` and ${standstill.blocks - 1} more` : ''}`
    case 'lock':
      return `lock of host ${standstill.host} (process ${standstill.pid})`
    case 'input':
      return inputsText([standstill, ...(standstill.others ?? [])])
    case 'silent':
      return `no answer from ClickHouse for ${span(standstill.forMs + waitedMs)}`
    default:
      // A replica that lacks rows answers all the same.
      return `${standstill.server}${standstill.server.includes(' lacks ') ? '' : ' unreachable'} (${waitedMs === 0 ? 'waits up to' : `${span(waitedMs)} of`} ${span(standstill.giveUpMs)})`
  }
}

function inputsText(all: readonly LackingInput[]): string {
  const named = all
    .slice(0, NAMED_INPUTS)
    .map(
      ({ input, block, failed }) => `input ${input} ${failed ? 'failed' : 'is'} at ${namedPosition(block)}`,
    )
  const more = all.length - named.length
  return `${named.join(', ')}${more > 0 ? ` and ${more} more` : ''}`
}

function span(ms: number): string {
  const seconds = Math.round(ms / 1000)
  return seconds < 60
    ? `${seconds} s`
    : `${Math.floor(seconds / 60)} m${seconds % 60 > 0 ? ` ${seconds % 60} s` : ''}`
}
