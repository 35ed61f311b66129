// Owns the folder of a whole run: what its processes leave behind in the temporary folder goes with it, however they end.
import { existsSync, mkdtempSync, readFileSync, rmSync, statfsSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** Called by vitest before its workers start; what it returns, after they have ended. */
export function setup(): () => void {
  const before = process.env['TMPDIR']
  const onDisk = mkdtempSync(join(tmpdir(), 'backfill-suite-'))
  const folder =
    before === undefined && hasMemory() ? mkdtempSync(join(IN_MEMORY, 'backfill-suite-')) : onDisk
  process.env['TMPDIR'] = folder
  process.env['BACKFILL_TEST_DISK'] = onDisk
  const documents = join(folder, 'json-documents')
  process.env['BACKFILL_TEST_JSON_COUNT'] = documents
  return () => {
    printCounts(documents)
    if (before === undefined) delete process.env['TMPDIR']
    else process.env['TMPDIR'] = before
    for (const made of [folder, onDisk])
      rmSync(made, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 })
  }
}

/** Thousands of small files cost a tenth to a fifth of the suite's CPU on a disk. */
function hasMemory(): boolean {
  if (!existsSync(IN_MEMORY)) return false
  const { bavail, bsize } = statfsSync(IN_MEMORY)
  return bavail * bsize > NEEDED_BYTES
}

const IN_MEMORY = '/dev/shm'

/** Ten times what the suite was seen to hold at once. */
const NEEDED_BYTES = 8_000_000_000

/** How many JSON documents the tests have checked (json-outputs.ts), by command. */
function printCounts(documents: string): void {
  if (!existsSync(documents)) return
  const names = readFileSync(documents, 'utf8').trimEnd().split('\n')
  const counts = [...Map.groupBy(names, (name) => name)].map(([name, of]) => `${of.length} ${name}`)
  console.log(`JSON documents checked: ${names.length} (${counts.toSorted().join(', ')})`)
}
