// Owns the promise about source rows that change while a range is computed from them: its fingerprint tells afterwards.
import { afterAll, beforeAll, expect, test } from 'vitest'
import { readCatalogue } from '../../src/project/sql-folder.ts'
import { writeFingerprint } from '../../src/sources/fingerprint.ts'
import { startProxy } from '../support/proxy.ts'
import { intoTarget } from '../support/requests.ts'
import { post, rowsOf, startTestServer, type TestServer, uniqueDatabase } from '../support/server.ts'
import { addBlocks, createSourceTables } from '../support/small-chain.ts'
import { openTestWorkspace, SQL_FOLDER, type TestWorkspace } from '../support/workspace.ts'

const TABLE = 'block_slots_stat'
const BLOCKS = { from: 1, to: 12 }

let server: TestServer
beforeAll(async () => {
  server = await startTestServer()
})
afterAll(() => server?.stop())

test.each([
  ['before it reads them', 'request', 11],
  ['after it has read them', 'answer', 12],
] as const)(
  'source rows written again while the INSERT runs, %s: the range is done with the fingerprint of before, which differs from the present one',
  async (_when, point, blocksThatSucceeded) => {
    const source = uniqueDatabase('source')
    const catalogue = await readCatalogue(SQL_FOLDER)
    await createSourceTables(server, catalogue, source)
    await addBlocks(server, source, BLOCKS)
    const proxy = await startProxy(server.url)
    const workspace = await openTestWorkspace({
      server: { ...server, url: proxy.url },
      source,
      tables: [TABLE],
    })
    try {
      const before = await fingerprint(workspace)
      const held = proxy.hold(intoTarget(TABLE), point)
      const running = workspace.up()
      await held.arrived
      await post(
        server,
        `INSERT INTO {source:Identifier}.canonical_execution_transaction
        SELECT * REPLACE ('2026-02-02 00:00:00' AS updated_date_time, false AS success)
        FROM {source:Identifier}.canonical_execution_transaction WHERE block_number = 3`,
        { source },
      )
      await held.release()
      expect((await running).failed).toEqual([])
      const [done] = await rowsOf<{ source_fingerprint: string }>(
        server,
        `SELECT source_fingerprint FROM {ledger:Identifier}.ledger WHERE event = 'done'`,
        { ledger: workspace.ledger },
      )
      expect(done!.source_fingerprint).toBe(before)
      expect(await fingerprint(workspace)).not.toBe(before)
      // What stands in the target is either of the two, and nothing but the fingerprint knows it.
      const [target] = await rowsOf<{ blocks: number }>(
        server,
        'SELECT count() AS blocks FROM {target:Identifier}.int_block_slots_stat FINAL',
        { target: workspace.target },
      )
      expect(target!.blocks).toBe(blocksThatSucceeded)
    } finally {
      await workspace.close()
      await proxy.close()
    }
  },
)

/** Of the sources of the table, as they are now. */
function fingerprint({ workspace }: TestWorkspace): Promise<string> {
  const { sources } = workspace.chosen[0]!
  return workspace.ports.source.fingerprint(sources, BLOCKS).then((of) => writeFingerprint(of))
}
