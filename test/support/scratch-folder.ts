// Owns the folder of a whole run: what its processes leave behind in the temporary folder goes with it, however they end.
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** Called by vitest before its workers start; what it returns, after they have ended. */
export function setup(): () => void {
  const before = process.env['TMPDIR']
  const folder = mkdtempSync(join(tmpdir(), 'backfill-suite-'))
  process.env['TMPDIR'] = folder
  const documents = join(folder, 'json-documents')
  process.env['BACKFILL_TEST_JSON_COUNT'] = documents
  return () => {
    printCounts(documents)
    if (before === undefined) delete process.env['TMPDIR']
    else process.env['TMPDIR'] = before
    rmSync(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 })
  }
}

/** How many JSON documents the tests have checked (json-outputs.ts), by command. */
function printCounts(documents: string): void {
  if (!existsSync(documents)) return
  const names = readFileSync(documents, 'utf8').trimEnd().split('\n')
  const counts = [...Map.groupBy(names, (name) => name)].map(([name, of]) => `${of.length} ${name}`)
  console.log(`JSON documents checked: ${names.length} (${counts.toSorted().join(', ')})`)
}
