// Owns the promise that a page is written where it is said, and that nothing else is lost by it.
import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { replaceFile } from '../../../src/commands/report/command.ts'
import { temporaryDirectory } from '../../support/processes.ts'

test('an earlier page is replaced, and a file beside it stays', async () => {
  const place = temporaryDirectory()
  writeFileSync(join(place, 'page.html'), 'earlier')
  writeFileSync(join(place, 'page.html.new'), 'of somebody else')
  await replaceFile(join(place, 'page.html'), 'page')
  expect(readFileSync(join(place, 'page.html'), 'utf8')).toBe('page')
  expect(readdirSync(place).toSorted()).toEqual(['page.html', 'page.html.new'])
})

test('nothing is written through a link, and a link is not replaced', async () => {
  const place = temporaryDirectory()
  symlinkSync(join(place, 'elsewhere'), join(place, 'link.html'))
  await expect(replaceFile(join(place, 'link.html'), 'page')).rejects.toThrow(/link\.html is a link/)
  expect(readdirSync(place)).toEqual(['link.html'])
  expect(existsSync(join(place, 'elsewhere'))).toBe(false)
})

test.runIf(process.platform === 'linux')('a pipe is written to as it is', async () => {
  const pipe = join(temporaryDirectory(), 'pipe')
  execFileSync('mkfifo', [pipe])
  const [, text] = await Promise.all([replaceFile(pipe, 'page'), readFile(pipe, 'utf8')])
  expect([text, statSync(pipe).isFIFO()]).toEqual(['page', true])
})

// Only root can make a device; /dev/full itself is not put at risk.
test.runIf(process.platform === 'linux' && process.getuid?.() === 0)('a device stays one', async () => {
  const full = join(temporaryDirectory(), 'full')
  execFileSync('mknod', [full, 'c', '1', '7'])
  await expect(replaceFile(full, 'page')).rejects.toThrow(/cannot write .*full: ENOSPC/)
  expect(statSync(full).isCharacterDevice()).toBe(true)
})
