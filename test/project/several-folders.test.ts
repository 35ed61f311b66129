// Owns the promises of several SQL folders: what each may leave out, and whose file counts.
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { readCatalogue, readFolders } from '../../src/project/sql-folder.ts'
import { SQL_FOLDER } from '../support/workspace.ts'

const root = mkdtempSync(join(tmpdir(), 'backfill-layers-'))
afterAll(() => rmSync(root, { recursive: true }))

const LOGS =
  '--! block-coverage: sparse\nCREATE TABLE {source:Identifier}.logs (block_number UInt64) ENGINE = Memory'

/** A folder with these files of the project, and files with these texts. */
function folderOf(copies: readonly string[], texts: Readonly<Record<string, string>> = {}): string {
  const folder = mkdtempSync(join(root, 'sql-'))
  for (const name of copies) cpSync(join(SQL_FOLDER, name), join(folder, name), { recursive: true })
  for (const [name, text] of Object.entries(texts)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true })
    writeFileSync(join(folder, name), text)
  }
  return folder
}

test('of several folders the later one counts, file by file, and key by key in networks.json', async () => {
  const first = folderOf(
    [
      'ddl/block_slots_stat.sql',
      'transforms/block_slots_stat.sql',
      'ddl/address_diffs.sql',
      'transforms/address_diffs.sql',
    ],
    {
      'networks.json': '{ "devnet": { "forks": { "dencun": 1 } }, "mainnet": { "forks": { "dencun": 2 } } }',
    },
  )
  const later = folderOf(['transforms/block_slots_stat.sql'], {
    'networks.json': '{ "mainnet": { "forks": { "dencun": 3 } }, "devnet": { "source-gap-blocks": 7 } }',
    'source/logs.sql': LOGS,
  })
  const { catalogue, drafts } = await readFolders([first, later], () => {})
  expect(
    drafts.map(({ key, file, ddl }) => [key, dirname(dirname(file)), dirname(dirname(ddl!.file))]),
  ).toEqual([
    ['address_diffs', first, first],
    ['block_slots_stat', later, first],
  ])
  const forks = (name: string) => catalogue.networks.find((one) => one.name === name)?.forks
  expect([forks('devnet'), forks('mainnet'), forks('demo')]).toEqual([
    { dencun: 1 },
    { spurious_dragon: 2_675_000, dencun: 3 },
    expect.objectContaining({ dencun: 14_000 }),
  ])
  expect(catalogue.networks.find(({ name }) => name === 'devnet')?.sourceGapBlocks).toBe(7)
  expect(catalogue.sources.map(({ table }) => table)).toEqual(
    expect.arrayContaining(['canonical_execution_traces', 'logs']),
  )
})

test('ledger, networks and source tables are those of the program, whatever else the folder has', async () => {
  const own = folderOf(['ddl', 'transforms'], { 'ledger/1.sql': 'DROP DATABASE everything' })
  const [found, { ledger, networks, sources }] = [await readCatalogue(own), await readCatalogue()]
  expect(found).toMatchObject({ ledger, networks, sources })
  expect(found.tables).toHaveLength(11)
})

test('a folder that is not there, or has no table, is named', async () => {
  await expect(readCatalogue(join(root, 'nowhere'))).rejects.toThrow(
    /nowhere of the SQL folder: it does not exist/,
  )
  await expect(readCatalogue(folderOf(['ddl']))).rejects.toThrow(
    /has no table: there is no \.sql file in .*transforms/,
  )
})
