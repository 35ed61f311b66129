// Owns the promise that docs/architecture.md tells the truth: the files where things are decided, and the way of `status`.
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { repository } from '../support/processes.ts'

const read = (file: string) => readFileSync(join(repository, file), 'utf8')
const page = read('docs/architecture.md')

/** The text between a heading and the next one. */
function section(heading: string): string {
  const [, text = ''] = page.split(`## ${heading}\n`)
  return text.split('\n## ')[0]!
}

/** A file holds a definition of that name. */
function defines(file: string, name: string): boolean {
  return existsSync(join(repository, file)) && new RegExp(`(function|const) ${name}\\b`).test(read(file))
}

const decided = [
  ...section('Where it is decided').matchAll(/^\|\s*(.+\?)\s*\|\s*(\S+)\s*\|\s*`(\w+)`/gm),
].map(([, question = '', file = '', name = '']) => ({ question, file, name }))
const stops = [
  ...section('`backfill status` in ten stops').matchAll(/^(\d+)\. `(\w+)` in (src\/\S+\.ts)/gm),
].map(([, number, name = '', file = '']) => ({ number: Number(number), name, file }))

test('twelve decisions stand with the file that makes each', () => {
  expect(decided).toHaveLength(12)
})

test.each(decided)('$question $name in $file', ({ file, name }) => {
  expect(defines(file, name)).toBe(true)
})

test('`status` goes through the house in ten numbered stops', () => {
  expect(stops.map(({ number }) => number)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10])
})

test.each(stops)('stop $number: $name in $file', ({ file, name }) => {
  expect(defines(file, name)).toBe(true)
})

test('each stop is reached from one before it, or from the report of `status`', () => {
  const report = 'src/commands/status/status.ts'
  const unreached = stops.slice(1).filter(({ number, name }) => {
    const before = [...stops.filter((stop) => stop.number < number).map(({ file }) => file), report]
    const table = ['src/cli/commands.ts', 'src/cli/entries/look.ts']
    return ![...before, ...table].some((file) => new RegExp(`\\b${name}\\b`).test(read(file)))
  })
  expect(unreached).toEqual([])
})

test('every folder of src/ stands in the table of floors', () => {
  const floors = section('The house')
  for (const [, folder] of read('test/unit/arrows.test.ts').matchAll(/[{,] '?([a-z-]+)'?: \d+/g))
    expect(floors).toContain(`\`${folder}`)
})
