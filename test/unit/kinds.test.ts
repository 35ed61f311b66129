// Owns the promise that the table "Ranges" of docs/kinds.md is what `npm run mutations -- --kinds` breaks.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { repository } from '../support/processes.ts'

type Defect = {
  readonly what: string
  readonly kind?: string
  readonly find: string
  readonly test: string
}

test('each kind of docs/kinds.md, "Ranges", has a line that is broken, and each broken line its row', async () => {
  const lists = await Promise.all(
    ['defects-of-ranges', 'defects-of-kinds'].map(
      (file) => import(new URL(`../support/${file}.mjs`, import.meta.url).href),
    ),
  )
  const all = lists.flatMap((list: Readonly<Record<string, readonly Defect[]>>) => Object.values(list).flat())
  const [, section = ''] = readFileSync(join(repository, 'docs/kinds.md'), 'utf8').split('\n## Ranges\n')
  const rows = section
    .split('\n')
    .filter((line) => line.startsWith('| ') && !/^\| (kind|-+) /.test(line))
    .map((line) => line.replaceAll('\\|', '|'))
  const defects = all.filter(({ kind }) => kind !== undefined)
  const unnamed = defects.filter(
    ({ kind, find, test: file }) =>
      !rows.some(
        (row) =>
          row.includes(`| ${kind} `) && row.includes(find.trim()) && row.includes(file.replace('test/', '')),
      ),
  )
  expect(unnamed.map(({ what }) => what)).toEqual([])
  expect(rows).toHaveLength(defects.length)
})
