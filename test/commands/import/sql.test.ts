// Owns the promises about the files of sql/import: the shipped ones fit the source tables, wrong ones are refused.
import { cpSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { readImports } from '../../../src/commands/import/sql.ts'
import { readCatalogue } from '../../../src/project/sql-folder.ts'
import { wholeFiles } from '../../../src/commands/import/import.ts'
import { ddlColumns } from '../../../src/sql-syntax/create-table.ts'
import { outputLine } from '../../../src/commands/check/transform.ts'
import { firstBlocks } from '../../../src/commands/import/files-port.ts'
import { temporaryDirectory } from '../../support/processes.ts'
import { SQL_FOLDER } from '../../support/workspace.ts'

const { sources } = await readCatalogue(SQL_FOLDER)

test('every source table can be imported, with every column it has', async () => {
  const imports = await readImports(SQL_FOLDER, sources)
  expect(imports.map(({ target }) => target)).toEqual(sources.map(({ table }) => table))
  for (const { transform, ddl, fileColumns, target } of imports) {
    const names = ddlColumns(ddl).map(({ name }) => name)
    const lines = names.map((name) => outputLine(transform, name))
    expect(
      [...new Set([outputLine(transform), ...lines])].toSorted((a, b) => a - b).slice(1),
      target,
    ).toEqual(lines)
    expect(
      fileColumns.map(({ name }) => name),
      target,
    ).toEqual(names)
    expect(
      fileColumns.filter(({ optional }) => optional).map(({ name }) => name),
      target,
    ).toEqual(names.filter((name) => name === 'internal_index'))
  }
})

test('no import has the key of a derived table, nor could one have it', async () => {
  for (const { key, target } of await readImports(SQL_FOLDER, sources))
    expect(key).toBe(`import-${target.replace('canonical_execution_', '')}`)
})

test.for([
  {
    what: 'a file of no source table',
    file: 'other.sql',
    text: '--! description: x\nSELECT 1',
    says: /'other' is no source table/,
  },
  { what: 'a file without a header', text: 'SELECT 1', says: /the header lacks 'description'/ },
  {
    what: 'a SELECT that reads no file',
    text: '--! description: x\nSELECT 1',
    says: /an import reads the rows of a file/,
  },
  {
    what: 'an unknown key',
    text: "--! description: x\n--! target: y\nSELECT 1 FROM input('a String')",
    says: /unknown key 'target'/,
  },
  {
    what: 'a SELECT of all networks',
    text: "--! description: x\nSELECT a FROM input('a String')",
    says: /never uses 'network'/,
  },
  {
    what: 'a question for a column that is not named',
    text: "--! description: x\nSELECT a FROM input('a String') WHERE {has_b:Bool}",
    says: /unknown parameter \{has_b:Bool\}/,
  },
])('$what is refused', async ({ file = 'canonical_execution_traces.sql', text, says }) => {
  const folder = temporaryDirectory()
  cpSync(SQL_FOLDER, folder, { recursive: true })
  writeFileSync(join(folder, 'import', file), text)
  await expect(readImports(folder, sources)).rejects.toThrow(says)
})

test('blocks are rounded out to files', () => {
  expect(wholeFiles({ from: 0, to: 0 })).toEqual({ from: 0, to: 999 })
  expect(wholeFiles({ from: 1999, to: 2000 })).toEqual({ from: 1000, to: 2999 })
  expect(firstBlocks({ from: 1000, to: 2999 })).toEqual([1000, 2000])
  expect(firstBlocks({ from: 1000, to: 999 })).toEqual([])
})
