import pc from 'picocolors'
import { expect, test } from 'vitest'
import { redoCommand } from '../../../src/commands/verify/render.ts'
import { renderSources, type SourcesCheck } from '../../../src/commands/verify/sources.ts'
import { readCatalogue } from '../../../src/project/sql-folder.ts'
import { SQL_FOLDER } from '../../support/workspace.ts'

test('the next command after a difference redoes the tables that read the blocks, too, without which redo refuses', () => {
  const range = { from: 5, to: 9 }
  expect(redoCommand('a', range, [{ after: ['b'] }])).toBe('Next: backfill redo a --from 5 --to 9')
  expect(redoCommand('a', range, [{ after: ['b', 'a'] }])).toBe(
    'Next: backfill redo a --from 5 --to 9 --cascade',
  )
})

test('where the sources of several tables have changed, or of one that others read, one command builds all of them again', async () => {
  const { tables } = await readCatalogue(SQL_FOLDER)
  const blocks = [{ from: 5, to: 9 }]
  const check = (table: string): SourcesCheck => ({
    table,
    looked: blocks,
    changed: blocks,
    gone: [],
    before: [],
    notMarked: undefined,
  })
  const next = (...keys: readonly string[]) =>
    renderSources(keys.map(check), tables, pc.createColors(false)).filter((line) => line.startsWith('Next: '))
  expect(next('address_reads', 'address_first_access')).toEqual(['Next: backfill redo --stale'])
  expect(next('address_diffs'), 'accounts_alive reads it').toEqual(['Next: backfill redo --stale'])
  expect(next('address_reads')).toEqual(['Next: backfill redo address_reads --stale'])
})
