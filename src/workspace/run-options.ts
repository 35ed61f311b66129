// Owns reading the options of a run from flags and configuration.
import { resolve } from 'node:path'
import { usageError } from '../model/errors.ts'
import type { TableDefinition, Unit } from '../model/model.ts'
import { isTime } from '../model/positions.ts'
import type { MaxLoad, UpOptions } from '../planning/run-options.ts'
import { onlySelect } from '../project/transform-statement.ts'
import { refuse } from '../sql-syntax/problems.ts'
import { readLoginFile } from './text-file.ts'
import type { Config } from './config.ts'
import { type Flags, readFlag, type Word } from './values.ts'
import * as values from './values.ts'
import type { Setting } from './variables.ts'

export function upOptions({ config, flags }: { readonly config: Config; readonly flags: Flags }): UpOptions {
  const { from, to } = typedBounds(flags)
  const { chunk, chunkRows, order, jobs, tableJobs, lag } = config
  return {
    from,
    to,
    // A typed flag overrides a configured value, even if the two express the size differently.
    chunk: isTyped(chunkRows) && !isTyped(chunk) ? undefined : chunk.value,
    chunkRows: chunkRows.value,
    order: order.value,
    jobs: jobs.value,
    tableJobs: tableJobs.value,
    lag: lag.value,
    giveUpMs: readFlag(flags, 'give-up', values.duration) ?? 300_000,
    minFreeShare: readFlag(flags, 'min-free-disk', values.share) ?? 0.05,
    graceMs: readFlag(flags, 'grace', values.duration) ?? 60_000,
    maxRuntimeMs: readFlag(flags, 'max-runtime', values.duration),
    lockWaitMs: readFlag(flags, 'lock-wait', values.duration) ?? 0,
    lockSkip: flags.has('lock-skip'),
    noAudits: flags.has('no-audits'),
    maxLoad: readFlag(flags, 'max-load', (word) => maxLoad(word, config.folder)),
    recompute: readFlag(flags, 'recompute', values.names) ?? [],
    redoStale: flags.has('redo-stale'),
  }
}

function maxLoad(word: Word, folder: string): MaxLoad {
  if (/^\d+$/.test(word.text)) return { queries: values.positiveCount(word) }
  const text = readLoginFile(resolve(folder, word.text), word.place, 'SQL')
  return { file: word.text, sql: onlySelect(word.text, text, refuse, 'question of --max-load').text }
}

export function typedBounds(flags: Flags): Pick<UpOptions, 'from' | 'to'> {
  const from = readFlag(flags, 'from', values.blockNumber)
  const to = readFlag(flags, 'to', values.blockNumber)
  if (from !== undefined && to !== undefined && from > to) {
    const [start, end] = [flags.get('from')!.place, flags.get('to')!.place]
    throw usageError(`${start} ${from} is after ${end} ${to}`, 'swap them: the range goes upwards')
  }
  return { from, to }
}

/** @throws BackfillError `usage` for a number that is blocks for some tables and seconds for others */
export function assertUnits(
  chosen: readonly Pick<TableDefinition, 'key' | 'unit'>[],
  { config, flags }: { readonly config: Config; readonly flags: Flags },
): void {
  const keys = (unit: Unit) => chosen.flatMap((table) => (table.unit === unit ? [table.key] : []))
  const [blocks, seconds] = [keys('block'), keys('second')]
  const isMixed = blocks.length > 0 && seconds.length > 0
  for (const { value, origin } of [config.lag, config.chunk])
    if (isMixed && typeof value === 'number' && value > 0)
      throw usageError(
        `${origin}: ${value} would be blocks for ${blocks.join(', ')} and seconds for ${seconds.join(', ')}`,
        `type both, such as ${value},5m, or choose tables with --tables`,
      )
  for (const name of ['from', 'to', 'at']) {
    const position = readFlag(flags, name, values.blockNumber)
    if (position === undefined) continue
    const wrong = isTime(position) ? blocks : isMixed ? seconds : []
    if (wrong.length > 0)
      throw usageError(
        `--${name} ${flags.get(name)!.text} is ${isTime(position) ? 'a time' : 'a block'}, and ${wrong.join(', ')} count${wrong.length === 1 ? 's' : ''} ${isTime(position) ? 'blocks' : 'seconds'}`,
        'choose the tables that it is for with --tables',
      )
  }
}

function isTyped({ origin }: Setting<unknown>): boolean {
  return origin.startsWith('flag ')
}
