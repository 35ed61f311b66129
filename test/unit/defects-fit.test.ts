// Owns the promise that each defect and guard still fits the source: one that fits nowhere proves nothing.
import { globSync, readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { GUARDS } from '../simulation/guard-list.ts'

const root = new URL('../../', import.meta.url)
const textOf = (path: string) => readFileSync(new URL(path, root), 'utf8')
const times = (text: string, find: string) => text.split(find).length - 1

type Defect = {
  readonly what: string
  readonly find: string
  readonly file?: string
  /** A file, or several by a pattern, and words of the test in it. */
  readonly test: string
  readonly name?: string
}

const files = readdirSync(new URL('src', root), { recursive: true, encoding: 'utf8' }).filter((name) =>
  name.endsWith('.ts'),
)
const sources = files.map((name) => textOf(`src/${name}`))

const lists = readdirSync(new URL('test/support', root)).filter((name) => /^defects.*\.mjs$/.test(name))

test.each(lists)('each defect of %s fits one place', async (name) => {
  const found = Object.values((await import(`../support/${name}`)) as Record<string, readonly Defect[]>)
  const defects = found.filter((one) => Array.isArray(one)).flat()
  expect(defects.length).toBeGreaterThan(0)
  const places = ({ file, find }: Defect) =>
    (file === undefined ? sources : [textOf(file)]).reduce((sum, text) => sum + times(text, find), 0)
  expect(defects.filter((defect) => places(defect) !== 1).map(({ what }) => what)).toEqual([])
  const isTested = ({ test: pattern, name: words = '' }: Defect) =>
    globSync(pattern, { cwd: fileURLToPath(root) }).some((file) => textOf(file).includes(words))
  expect(defects.filter((defect) => !isTested(defect)).map(({ what }) => what)).toEqual([])
})

test('each guard of the simulation fits one place', () => {
  const misfits = GUARDS.filter(([, file, find]) => times(textOf(`src/${file}`), find) !== 1)
  expect(misfits.map(([what]) => what)).toEqual([])
})
