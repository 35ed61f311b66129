import { expect, test } from 'vitest'
import { readCatalogue } from '../../src/project/sql-folder.ts'
import { editedFolder } from '../support/edited-folder.ts'

test.each([
  ['toUInt64(block_number) OR true', 'toUInt64(toUInt64(block_number) OR true)'],
  ['block_number = 1 OR block_number', 'toUInt64(block_number = 1 OR block_number)'],
  ['block_number', 'block_number'],
])(
  'the position `%s` is one number in a DELETE, so that nothing gets past its range and fence',
  async (header, position) => {
    const folder = editedFolder(
      'transforms/block_slots_stat.sql',
      (text) => `--! position: ${header}\n${text}`,
    )
    const { tables } = await readCatalogue(folder)
    expect(tables.find(({ key }) => key === 'block_slots_stat')).toMatchObject({ position })
  },
)
