import { createHash } from 'node:crypto'
import { chmodSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { changeFile } from '../../src/project/written-files.ts'
import { temporaryDirectory } from '../support/processes.ts'

const hash = (text: string) => createHash('sha256').update(text).digest('hex')

function scene() {
  const folder = temporaryDirectory()
  const path = join(folder, 'gas.sql')
  writeFileSync(path, 'old')
  return { path, state: () => [readFileSync(path, 'utf8'), readdirSync(folder)] }
}

test('a file is changed as a whole', async () => {
  const { path, state } = scene()
  await changeFile(path, hash('old'), 'new')
  expect(state()).toEqual(['new', ['gas.sql']])
})

test('a file that was saved meanwhile stays, and the message says so', async () => {
  const { path, state } = scene()
  await expect(changeFile(path, hash('older'), 'new')).rejects.toThrow(/gas\.sql has changed meanwhile/)
  expect(state()).toEqual(['old', ['gas.sql']])
})

test('a read-only file stays, and the message says so', async () => {
  const { path, state } = scene()
  chmodSync(path, 0o444)
  await expect(changeFile(path, hash('old'), 'new')).rejects.toThrow(/gas\.sql is read-only/)
  expect(state()).toEqual(['old', ['gas.sql']])
})
