// Owns the promise that the files for installing do not rot: the commands, flags and variables in them exist.
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { parse } from 'yaml'
import { readFlags } from '../../src/terminal/argv.ts'
import { COMMANDS } from '../../src/cli/commands.ts'
import { repository } from '../support/processes.ts'

const read = (file: string) => readFileSync(join(repository, file), 'utf8')
const files = [
  'Dockerfile',
  'compose.yaml',
  'docs/deploying.md',
  'docs/operations.md',
  ...globSync('packaging/*/*', { cwd: repository }),
  ...globSync('.github/workflows/*', { cwd: repository }),
]

/** Lines such as `… backfill up --lock-skip --max-runtime 55m & …`, as the words behind `backfill`. */
function commandLines(text: string): readonly (readonly string[])[] {
  const names = COMMANDS.map(({ name }) => name).join('|')
  const line = new RegExp(String.raw`\bbackfill(?: --|:\w+)? ((?:${names})(?![\w:-])[^\n\x60|>&;)"#]*)`, 'g')
  return [...text.matchAll(line)].map((match) => (match[1] ?? '').trim().split(' '))
}

test.for(files)('%s: every command line is one', (file) => {
  for (const [name = '', ...words] of commandLines(read(file))) {
    const entry = COMMANDS.find((command) => command.name === name)
    expect(() => readFlags(words, name, entry?.flags ?? [])).not.toThrow()
  }
})

test('there are command lines to be checked, and a wrong one is noticed', () => {
  expect(files.flatMap((file) => commandLines(read(file))).length).toBeGreaterThan(12)
  expect(commandLines('ExecStart=/x/backfill up --lock-skip 2>&1\n`backfill status`')).toEqual([
    ['up', '--lock-skip', '2'],
    ['status'],
  ])
})

test.for(files)('%s: every variable is one that is read', (file) => {
  const settings = COMMANDS.flatMap(({ flags }) => flags).map(({ name, as = name }) =>
    as.toUpperCase().replaceAll('-', '_'),
  )
  const own = ['DEBUG', 'TEST_IMAGE', 'REQUIRE_DOCKER', ...settings]
  const variables = read(file).match(/\b(BACKFILL|(SOURCE|TARGET)_CLICKHOUSE)_[A-Z_]+\b/g) ?? []
  for (const name of variables)
    expect(name).toMatch(
      new RegExp(
        `^(BACKFILL_(${own.join('|')})|\\w+_CLICKHOUSE_(URL|USERNAME|PASSWORD|PASSWORD_FILE|PROTOCOL|DATABASE))$`,
      ),
    )
})

test('the image has what the program needs, and nothing else goes to the builder', () => {
  const ignored = read('.dockerignore').split('\n')
  expect(ignored.filter((line) => !line.startsWith('#'))[0]).toBe('*')
  const sent = ignored.flatMap((line) => (line.startsWith('!') ? [line.slice(1)] : []))
  const copied = [...read('Dockerfile').matchAll(/^COPY (?!--)(.+) \S+$/gm)].flatMap(
    (match) => match[1]?.split(' ') ?? [],
  )
  expect(new Set(sent.map((file) => file.split('/')[0]))).toEqual(new Set(copied))
  const { devDependencies, peerDependencies } = JSON.parse(read('package.json')) as Record<
    string,
    Record<string, string>
  >
  const dropped = [...read('Dockerfile').matchAll(/devDependencies\.(\S+)/g)].map((match) => match[1] ?? '')
  expect(Object.keys(devDependencies ?? {})).toEqual(expect.arrayContaining(dropped))
  for (const [name, range] of Object.entries(peerDependencies ?? {}))
    expect(read('Dockerfile')).toContain(` ${name}@${/\d+/.exec(range)?.[0]}`)
})

test("compose.yaml and the workflow are YAML, and name each other's services and server versions", () => {
  const compose = parse(read('compose.yaml'), { merge: true }) as {
    services: Record<string, Record<string, unknown>>
  }
  expect(Object.keys(compose.services)).toEqual(['clickhouse', 'backfill', 'schedule'])
  expect(compose.services['schedule']).toMatchObject({
    entrypoint: ['/bin/sh', '-c'],
    environment: { TARGET_CLICKHOUSE_PASSWORD_FILE: '/run/secrets/clickhouse_password' },
  })
  const workflow = parse(read('.github/workflows/ci.yml')) as {
    jobs: { servers: { strategy: { matrix: { image: readonly string[] } } } }
  }
  const tags = workflow.jobs.servers.strategy.matrix.image.map((image) => image.split(':')[1] ?? '')
  for (const tag of tags) expect(read('test/servers.ts')).toContain(`'${tag}'`)
  for (const tag of tags.slice(0, 2)) expect(read('docs/deploying.md')).toContain(tag)
})
