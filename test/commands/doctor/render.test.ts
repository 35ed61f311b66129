// Owns how doctor's findings look to people and programs, its exit codes, and that its page knows each check.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import pc from 'picocolors'
import { expect, test } from 'vitest'
import { jsonDocument } from '../../../src/terminal/render/json.ts'
import { doctorExit, doctorFields, renderDoctor } from '../../../src/commands/doctor/render.ts'
import { CHECKS, type Diagnosis } from '../../../src/commands/doctor/checks/finding.ts'
import { unreached } from '../../../src/commands/doctor/checks/servers.ts'
import { repository } from '../../support/processes.ts'

const FOUND: readonly Diagnosis[] = [
  { check: 'reach', verdict: 'ok', about: 'source', found: 'well' },
  { check: 'clock', verdict: 'warn', about: 'source', found: '9 s\nbehind', hint: 'set it' },
  { check: 'disk', verdict: 'fail', about: 'target', found: 'full', hint: 'free it' },
]

test('lines are aligned, what to type stands below, the sum at the end', () => {
  expect(renderDoctor(FOUND, pc.createColors(false))).toEqual([
    'Servers',
    '  ok    reach  source  well',
    '  warn  clock  source  9 s behind',
    '        -> set it',
    '',
    'Storage',
    '  fail  disk   target  full',
    '        -> free it',
    '',
    '1 ok, 1 warning, 1 failure',
  ])
})

test('programs read the same, with stable keys', () => {
  const document = jsonDocument(doctorFields(FOUND))
  expect(document).toMatchObject({ schema: 1, ok: 1, warn: 1, fail: 1 })
  expect((document as unknown as { checks: object[] }).checks.slice(0, 2)).toEqual([
    { check: 'reach', group: 'Servers', about: 'source', verdict: 'ok', found: 'well', hint: null },
    {
      check: 'clock',
      group: 'Servers',
      about: 'source',
      verdict: 'warn',
      found: '9 s behind',
      hint: 'set it',
    },
  ])
})

test('the code is 0 with warnings, 1 with a failure, 6 where a server is away', () => {
  expect(doctorExit(FOUND.slice(0, 2))).toBe(0)
  expect(doctorExit(FOUND)).toBe(1)
  expect(doctorExit([...FOUND, unreached('target', { sentence: 'away' })])).toBe(6)
})

test('docs/doctor.md has a line for each check, in the order in which they are shown', () => {
  const page = readFileSync(join(repository, 'docs/doctor.md'), 'utf8')
  const lines = [...page.matchAll(/^\| `([\w-]+)` +\| ([A-Z]\w+) +\| \S/gm)].map(([, id, group]) => [
    id,
    group,
  ])
  expect(lines).toEqual(Object.entries(CHECKS))
})
