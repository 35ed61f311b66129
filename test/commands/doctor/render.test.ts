// Owns how doctor's findings look to people and programs, its exit codes, and that its page knows each check.
import pc from 'picocolors'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { jsonOf } from '../../../src/terminal/render/json.ts'
import { doctorExit, doctorFields, renderDoctor } from '../../../src/commands/doctor/command.ts'
import { BUILT_IN, type Finding, findings, GROUPS } from '../../../src/commands/doctor/finding.ts'
import { readSqlChecks } from '../../../src/commands/doctor/sql-checks.ts'
import { refuse } from '../../../src/model/errors.ts'
import { repository } from '../../support/processes.ts'
import { SQL_FOLDER } from '../../support/workspace.ts'

const FOUND: readonly Finding[] = [
  findings('reach', 'source').ok('well'),
  findings('settings', 'source').warn('9 s\nbehind', 'set it'),
  {
    check: 'disk',
    group: 'Storage',
    status: 'fail',
    subject: 'disk default',
    finding: 'full',
    hint: 'free it',
  },
]

test('lines are aligned, what to type stands below, the sum at the end', () => {
  expect(renderDoctor(FOUND, pc.createColors(false))).toEqual([
    'Servers',
    '  ok    reach     source        well',
    '',
    'Rights',
    '  warn  settings  source        9 s behind',
    '        -> set it',
    '',
    'Storage',
    '  fail  disk      disk default  full',
    '        -> free it',
    '',
    '1 ok, 1 warning, 1 failure',
  ])
})

test('programs read the same, with stable keys', () => {
  const document = jsonOf(doctorFields(FOUND))
  expect(document).toMatchObject({ ok: 1, warn: 1, fail: 1 })
  expect((document as { checks: object[] }).checks.slice(0, 2)).toEqual([
    { check: 'reach', group: 'Servers', subject: 'source', status: 'ok', finding: 'well', hint: null },
    {
      check: 'settings',
      group: 'Rights',
      subject: 'source',
      status: 'warn',
      finding: '9 s behind',
      hint: 'set it',
    },
  ])
})

test('control characters in what a server says are shown, not obeyed', () => {
  const hostile = [findings('reach', 's\u001b[2J').fail('no\u0007 answer\u001b[31m', 'GRANT\u009b2J')]
  for (const said of [
    renderDoctor(hostile, pc.createColors(false)).join('\n'),
    JSON.stringify(jsonOf(doctorFields(hostile))),
  ]) {
    // oxlint-disable-next-line no-control-regex
    expect(said.replaceAll('\n', '')).not.toMatch(/[\u0000-\u001f\u007f-\u009f]|\\u00/)
    expect(said).toMatch(/s.{1,2}x1b\[2J/)
  }
})

test('the code is 0 with warnings, 1 with a failure, 6 where a server is away', () => {
  expect(doctorExit(FOUND.slice(0, 2))).toBe(0)
  expect(doctorExit(FOUND)).toBe(1)
  expect(doctorExit([...FOUND, findings('reach', 'target').fail('away', 'start it')])).toBe(6)
})

test('docs/reference/doctor.md has a line for each check, in the order in which they are shown', async () => {
  const page = readFileSync(join(repository, 'docs/reference/doctor.md'), 'utf8')
  const lines = [...page.matchAll(/^\| `([\w-]+)` +\| ([A-Z]\w+) +\| \S/gm)].map(([, id, group]) => [
    id,
    group,
  ])
  const files = await readSqlChecks([SQL_FOLDER], refuse)
  const checks = [
    ...Object.entries(BUILT_IN),
    ...files.map(({ id, group }) => [id, group] as const).toSorted(([a], [b]) => (a < b ? -1 : 1)),
  ]
  const inOrder = GROUPS.flatMap((group) => checks.filter(([, of]) => of === group))
  expect(lines).toEqual(inOrder)
  expect(inOrder).toHaveLength(checks.length)
})
