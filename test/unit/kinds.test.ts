// Owns the promise that the rows of docs/kinds.md are what `npm run mutations -- --kinds` breaks, but for those without a case.
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { repository } from '../support/processes.ts'

const LISTS = [
  'ranges',
  'kinds',
  'clickhouse',
  'surroundings',
  'strangers',
  'attacks',
  'operators',
  'tables',
].map((of) => `defects-of-${of}`)

/** A row with a case: a group and a number, or the name of a command or an attempt. */
const CASE = /^\|[^|]*\| *((clickhouse|environment|security|ranges)\/\d\d|redo --stale|attack) *\|/

type Defect = {
  readonly what: string
  readonly kind?: string
  readonly find: string
  readonly test: string
}

test('each kind of docs/kinds.md that has a case has a line that is broken, and each broken line its row', async () => {
  const lists = await Promise.all(
    LISTS.map((file) => import(new URL(`../support/${file}.mjs`, import.meta.url).href)),
  )
  const all = lists.flatMap((list: Readonly<Record<string, readonly Defect[]>>) => Object.values(list).flat())
  const rows = readFileSync(join(repository, 'docs/kinds.md'), 'utf8')
    .split('\n')
    .filter((line) => CASE.test(line))
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

test('each line of docs/kinds.md that guards is in the file that the row names', () => {
  const page = readFileSync(join(repository, 'docs/kinds.md'), 'utf8').replaceAll('\\|', '|')
  const guards = [...page.matchAll(/`([^`\n]+)` in ((?:src|page|sql)\/[\w./-]+)/g)]
  expect(guards.length).toBeGreaterThan(100)
  const gone = guards.filter(([, line, file]) => {
    const place = join(repository, file!)
    return !existsSync(place) || !readFileSync(place, 'utf8').includes(line!.trim())
  })
  expect(gone.map(([row]) => row)).toEqual([])
})
