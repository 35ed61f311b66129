// Owns the promises of `check --format`: what GitHub shows on a line of a pull request, and what SARIF readers take.
import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Log } from 'sarif'
import { expect, test } from 'vitest'
import { githubLines, sarif } from '../../../src/commands/check/render.ts'
import { backfillHere } from '../../support/cli.ts'
import { repository, temporaryDirectory } from '../../support/processes.ts'

/** A folder with an error on line 7 of its transform. */
function broken(): string {
  const cwd = temporaryDirectory()
  cpSync(join(repository, 'test/fixtures/checks/sound'), join(cwd, 'sql'), { recursive: true })
  const file = join(cwd, 'sql/transforms/gas.sql')
  writeFileSync(file, readFileSync(file, 'utf8').replace('{from_block:UInt64}', '{form_block:UInt64}'))
  return cwd
}

test('`--format github` writes one annotation for each finding, with file, line and rule, and ends as text does', async () => {
  const { code, stdout } = await backfillHere(['check', '--offline', '--format', 'github'], { cwd: broken() })
  const [first, ...rest] = stdout.trimEnd().split('\n')
  expect(code).toBe(2)
  expect(first).toMatch(
    /^::error file=\S*sql\/transforms\/gas\.sql,line=\d+,title=E03\d [a-z-]+::the transform never uses 'from_block'; /,
  )
  expect(rest.at(-1)).toMatch(/^Checked 2 tables .*: 2 errors$/)
})

test('in a folder of a repository, both formats name files from the root of the repository, as reviews do', async () => {
  const [root, project] = [temporaryDirectory(), broken()]
  mkdirSync(join(root, '.git'))
  cpSync(project, join(root, 'data'), { recursive: true })
  const cwd = join(root, 'data')
  const { stdout } = await backfillHere(['check', '--offline', '--format', 'github'], { cwd })
  expect(stdout).toMatch(/^::error file=data\/sql\/transforms\/gas\.sql,line=/)
  const { results = [] } = await read(cwd)
  expect(results[0]!.locations![0]!.physicalLocation!.artifactLocation!.uri).toBe(
    'data/sql/transforms/gas.sql',
  )
})

async function read(cwd: string) {
  const { stdout } = await backfillHere(['check', '--offline', '--format', 'sarif'], { cwd })
  return (JSON.parse(stdout) as Log).runs[0]!
}

test('`--format sarif` is one SARIF 2.1.0 document, also without findings', async () => {
  const [bad, good] = [broken(), temporaryDirectory()]
  cpSync(join(repository, 'test/fixtures/checks/sound'), join(good, 'sql'), { recursive: true })
  const { tool, results = [] } = await read(bad)
  expect(results).toHaveLength(2)
  for (const { ruleId, level, locations } of results) {
    expect(level).toBe('error')
    expect(tool.driver.rules?.map(({ id }) => id)).toContain(ruleId)
    expect(locations![0]!.physicalLocation).toEqual({
      artifactLocation: { uri: expect.stringMatching(/sql\/transforms\/gas\.sql$/) },
      region: { startLine: expect.any(Number) },
    })
  }
  expect((await read(good)).results).toEqual([])
})

test('a file name or a text of the server cannot begin another command of GitHub', () => {
  const lines = githubLines([
    {
      rule: 'E016',
      file: 'a,line=9::b%.sql',
      sentence: 'x\n::set-env name=A::b \u001b[2J',
      hint: '##[add-path]c',
    },
  ])
  expect(lines).toEqual([
    String.raw`::error file=a%2Cline=9%3A%3Ab%25.sql,line=1,title=E016 bad-test::x ::set-env name=A::b \x1b[2J; #\#[add-path]c`,
  ])
})

test('an unknown format is named', async () => {
  const { code, stderr } = await backfillHere(['check', '--offline', '--format', 'xml'], { cwd: broken() })
  expect({ code, stderr }).toEqual({
    code: 2,
    stderr: expect.stringContaining('--format must be text, github or sarif'),
  })
})

test.each([
  ['issue #12?/sql/ddl/a.sql', 'issue%20%2312%3F/sql/ddl/a.sql'],
  ['a:b/100%/é.sql', 'a%3Ab/100%25/%C3%A9.sql'],
])(
  'the file %j is whole in SARIF: none of its characters begins a query, a fragment or a scheme',
  (file, uri) => {
    const log = sarif([{ rule: 'E021', file, line: 1, sentence: 's', hint: 'h' }], '1')
    expect(log.runs[0]!.results![0]!.locations![0]!.physicalLocation!.artifactLocation!.uri).toBe(uri)
  },
)
