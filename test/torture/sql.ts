// Owns the SQL folder of a torture round: the project's own, with one transform made hungry or slow.
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { SQL_FOLDER } from '../support/workspace.ts'

export type TortureFolder = { readonly path: string; readonly about: string; remove(): void }

/** `hungry`: 10 MB a block and a limit that five blocks break. `slow`: a tenth of a second a block. */
export function tortureFolder({
  hungry,
  slow,
}: {
  readonly hungry: boolean
  readonly slow: boolean
}): TortureFolder {
  const path = mkdtempSync(join(tmpdir(), 'backfill-torture-sql-'))
  cpSync(SQL_FOLDER, path, { recursive: true })
  const file = join(path, 'transforms/block_slots_stat.sql')
  const settings = [
    ...(hungry ? ['max_memory_usage = 150000000'] : []),
    ...(slow ? ['function_sleep_max_microseconds_per_block = 600000000'] : []),
  ]
  const conditions = [
    ...(hungry
      ? [
          `(SELECT length(arrayStringConcat(groupArray(repeat('x', 1000000)))) FROM numbers(10 * ({to_block:UInt64} - {from_block:UInt64} + 1))) > 0`,
        ]
      : []),
    ...(slow ? ['sleepEachRow(0.1) = 0'] : []),
  ]
  const text = readFileSync(file, 'utf8')
    .replace(
      '--! rows:',
      settings.length === 0 ? '--! rows:' : `--! settings: ${settings.join(', ')}\n--! rows:`,
    )
    .replace('WHERE tx IN', ['WHERE', ...conditions.map((one) => `${one} AND`), 'tx IN'].join(' '))
  writeFileSync(file, text)
  return {
    path,
    about: `${hungry ? ', hungry' : ''}${slow ? ', slow' : ''}`,
    remove: () => rmSync(path, { recursive: true, force: true }),
  }
}
