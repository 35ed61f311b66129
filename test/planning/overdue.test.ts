import { expect, test } from 'vitest'
import type { LedgerView } from '../../src/ledger/events.ts'
import { overdueSeconds } from '../../src/planning/table-status.ts'
import { readCatalogue } from '../../src/project/sql-folder.ts'
import { SQL_FOLDER } from '../support/workspace.ts'

const catalogue = await readCatalogue(SQL_FOLDER)
const tables = catalogue.tables.map((one) => ({
  ...one,
  ...(one.key === 'address_diffs' && { fresh: 1800 }),
}))
const now = new Date('2026-01-01T12:00:00Z')

test.each([
  ['address_diffs', '2026-01-01T11:00:00Z', 1800],
  ['accounts_alive', '2026-01-01T11:00:00Z', 1800],
  ['address_diffs', '2026-01-01T11:45:00Z', 0],
  ['address_reads', '2025-01-01T00:00:00Z', 0],
  ['address_diffs', undefined, 0],
])('%s, whose last chunk was at %s, is overdue by %i s', (key, lastRun, seconds) => {
  const view: LedgerView = { islands: [], tail: 0, position: [0, 0], lastRun, digestRows: 0, oldestParts: [] }
  expect(overdueSeconds({ table: tables.find((one) => one.key === key)!, view }, tables, now)).toBe(seconds)
})
