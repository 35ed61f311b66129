// Owns the proof that the shipped unit tests are worth something: they pass, and each defect makes one of them fail.
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Server, openServer } from '../../../src/clickhouse/server.ts'
import { openTestBench, type TestBench } from '../../../src/commands/test/bench.ts'
import { chooseTables, readCatalogue } from '../../../src/project/sql-folder.ts'
import { readTests } from '../../../src/commands/test/test-case.ts'
import { TABLE_MUTATIONS } from '../../support/mutation-list.ts'
import { ACCOUNT_MUTATIONS } from '../../support/mutation-list-accounts.ts'
import { idleMutations, mutantsOf } from '../../support/mutations.ts'
import { startTestServer, type TestServer } from '../../support/server.ts'
import { SQL_FOLDER } from '../../support/workspace.ts'

const MUTATIONS = [...TABLE_MUTATIONS, ...ACCOUNT_MUTATIONS]
const catalogue = await readCatalogue(SQL_FOLDER)

let started: TestServer
let server: Server
let bench: TestBench
beforeAll(async () => {
  started = await startTestServer()
  const { url, username, password } = started
  server = await openServer({ side: 'target', url, username, password, database: 'default' })
  bench = await openTestBench(server, catalogue, 'mutants')
})
afterAll(async () => {
  await server?.close()
  await started?.stop()
})

test.for(catalogue.tables.map(({ key }) => key))(
  'the tests of %s pass, and each defect makes one of them fail',
  async (key) => {
    const [table] = chooseTables(catalogue, [key])
    const tests = await readTests([SQL_FOLDER], catalogue, [table!])
    const mutants = new Set(mutantsOf(table!, MUTATIONS))
    for (const one of tests) {
      const { error, diff } = await bench.run(one)
      expect({ error, missing: diff.missing, unexpected: diff.unexpected }, one.name).toEqual({
        error: undefined,
        missing: [],
        unexpected: [],
      })
      const file = one.name.split('/')[1]!
      for (const mutant of mutants) {
        if (!mutant.caughtBy.includes(file)) continue
        const { missing, unexpected } = await bench.compare({ ...one, table: mutant.table })
        if (missing.length + unexpected.length > 0) mutants.delete(mutant)
      }
    }
    expect(
      [...mutants].map(({ name }) => name),
      'defects that no test caught',
    ).toEqual([])
  },
)

test('every defect of the list can be had by some transform', () => {
  expect(idleMutations(MUTATIONS, catalogue.tables)).toEqual([])
})
