import { cpSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { readCatalogue } from '../../src/project/sql-folder.ts'
import { editedFolder } from '../support/edited-folder.ts'
import { temporaryDirectory } from '../support/processes.ts'

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

test.each(['1970-01-02..', '2024-01-01..', '1..2099-12-31'])(
  '`blocks: %s` of a table that counts blocks is refused at its line, for it names times',
  async (blocks) => {
    const folder = editedFolder(
      'transforms/block_slots_stat.sql',
      (text) => `--! blocks: ${blocks}\n${text.replace(/^--! blocks:.*\n/m, '')}`,
    )
    await expect(readCatalogue(folder)).rejects.toMatchObject({
      kind: 'usage',
      message: expect.stringMatching(
        /block_slots_stat\.sql:1: blocks: (1970|2024|2099)-\d\d-\d\d is a time, and block_slots_stat counts blocks$/,
      ),
    })
  },
)

test('a table that counts seconds may be limited by times', async () => {
  const folder = temporaryDirectory()
  cpSync('test/models', folder, { recursive: true })
  const path = join(folder, 'transforms/slot_votes.sql')
  writeFileSync(path, `--! blocks: 1970-01-02..2099-12-31\n${readFileSync(path, 'utf8')}`)
  const { tables } = await readCatalogue(folder)
  expect(tables.find(({ key }) => key === 'slot_votes')).toMatchObject({
    unit: 'second',
    blocks: { from: { offset: 86_400 }, to: { offset: 4_102_358_400 } },
  })
})

test.each(['Date', 'Date32'])('a position that is a %s is refused: its numbers are days', async (type) => {
  const folder = temporaryDirectory()
  cpSync('test/models', folder, { recursive: true })
  const write = (position: string) =>
    writeFileSync(
      join(folder, 'source/days.sql'),
      `--! block-coverage: sparse\n--! position: ${position}\n--! unit: second\n--! network: none\n--! written: none\nCREATE TABLE {source:Identifier}.days (ts ${type}) ENGINE = MergeTree ORDER BY ts\n`,
    )
  write('ts')
  await expect(readCatalogue(folder)).rejects.toThrow(`position: ts is a ${type}, which counts days`)
  write("toUnixTimestamp(ts, 'UTC')")
  expect((await readCatalogue(folder)).sources.map(({ table }) => table)).toContain('days')
})

test('a block_number that is a time is refused, for its numbers are seconds; one that its file counts in seconds is not', async () => {
  const folder = temporaryDirectory()
  cpSync('test/models', folder, { recursive: true })
  const write = (header: string) =>
    writeFileSync(
      join(folder, 'source/times.sql'),
      `--! block-coverage: sparse\n${header}--! network: none\n--! written: none\nCREATE TABLE {source:Identifier}.times (block_number DateTime) ENGINE = MergeTree ORDER BY block_number\n`,
    )
  write('')
  await expect(readCatalogue(folder)).rejects.toThrow(
    'position: block_number is a DateTime, which counts seconds',
  )
  write("--! position: toUnixTimestamp(block_number, 'UTC')\n--! unit: second\n")
  expect((await readCatalogue(folder)).sources.map(({ table }) => table)).toContain('times')
})
