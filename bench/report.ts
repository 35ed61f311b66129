// Owns the figures of the page: its bytes and the time to write it, by the number of events in the ledger. It fails above the
// limits. `npm run bench:report -- --events 1000000 --runs 3`
import { statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { startTestServer, uniqueDatabase } from '../test/support/server.ts'
import { openTestWorkspace } from '../test/support/workspace.ts'
import { backfill, buildProgram } from './support/backfill.ts'
import { NETWORK } from './support/chain.ts'
import { checkpointAll, fillLedger } from './support/full-ledger.ts'

const MAX_BYTES = 2_000_000
const MAX_MS = 3_000

const { values } = parseArgs({
  options: { events: { type: 'string', default: '1000000' }, runs: { type: 'string', default: '3' } },
})

buildProgram()
const server = await startTestServer()
try {
  const place = await openTestWorkspace({ server, source: uniqueDatabase('source'), network: NETWORK })
  await checkpointAll(place, await fillLedger(server, place, Number(values.events)))
  const file = join(tmpdir(), `report-${process.pid}.html`)
  const times: number[] = []
  for (let run = 0; run < Number(values.runs); run++) {
    const { elapsedMs } = await backfill({ on: server, place, words: ['report', '--output', file] })
    times.push(elapsedMs)
  }
  await place.close()
  const { size } = statSync(file)
  const ms = Math.round(times.toSorted((a, b) => a - b)[Math.floor(times.length / 2)]!)
  console.log(
    `${values.events} events: ${size} bytes (at most ${MAX_BYTES}), ${ms} ms (at most ${MAX_MS}; median of ${values.runs})`,
  )
  if (size > MAX_BYTES || ms > MAX_MS) process.exitCode = 1
} finally {
  await server.stop()
}
