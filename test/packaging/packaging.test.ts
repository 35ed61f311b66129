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
  'docs/how-to/deploying.md',
  'docs/how-to/operating.md',
  'docs/how-to/it-is-3-am.md',
  'docs/how-to/monitoring.md',
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
  for (const [name = '', ...words] of commandLines(read(file).replaceAll(/\{\{.*?\}\}/g, 'word'))) {
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
  const own = ['DEBUG', 'TEST_IMAGE', 'TEST_OWN_IMAGE', 'REQUIRE_DOCKER', 'IMAGE', ...settings]
  const variables = read(file).match(/\b(BACKFILL|(SOURCE|TARGET)_CLICKHOUSE)_[A-Z_]+\b/g) ?? []
  for (const name of variables)
    expect(name).toMatch(
      new RegExp(
        `^(BACKFILL_(${own.join('|')})|\\w+_CLICKHOUSE_(URL|USERNAME|PASSWORD|PASSWORD_FILE|PROTOCOL|DATABASE))$`,
      ),
    )
})

test('a unit that fails starts a unit that exists, and every service has what its timer starts', () => {
  const units = globSync('packaging/systemd/*', { cwd: repository }).map((file) => file.split('/').at(-1)!)
  const called = units.flatMap((unit) =>
    [...read(`packaging/systemd/${unit}`).matchAll(/^OnFailure=(\S+@)\S+$/gm)].map((match) => match[1]!),
  )
  expect(called).toHaveLength(2)
  const started = units.filter((unit) => unit.endsWith('.timer')).map((unit) => unit.replace('.timer', ''))
  for (const name of [...called, ...started]) expect(units).toContain(`${name}.service`)
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
  expect(Object.keys(peerDependencies ?? {})).toEqual(['chdb', 'ffi-rs'])
  expect(read('Dockerfile'), 'the engine is the locked one').toContain(
    'dependencies=$(npm pkg get peerDependencies)',
  )
})

test('compose.yaml is YAML, starts where no limit may be raised, and its loop has the environment of the commands', () => {
  const compose = parse(read('compose.yaml'), { merge: true }) as {
    services: Record<string, Record<string, unknown>>
  }
  expect(Object.keys(compose.services)).toEqual(['clickhouse', 'backfill', 'schedule'])
  for (const service of Object.values(compose.services)) expect(service).not.toHaveProperty('ulimits')
  expect(compose.services['schedule']).toMatchObject({
    entrypoint: ['/bin/sh', '-c'],
    environment: { TARGET_CLICKHOUSE_PASSWORD_FILE: '/run/secrets/clickhouse_password' },
  })
})

type Workflow = {
  readonly permissions: object
  readonly jobs: Readonly<
    Record<
      string,
      {
        readonly steps: readonly {
          readonly uses?: string
          readonly with?: Readonly<Record<string, unknown>>
        }[]
      }
    >
  >
}
const [workflow, release] = ['ci', 'release'].map(
  (name) => parse(read(`.github/workflows/${name}.yml`)) as Workflow,
) as [Workflow, Workflow]
const jobs = [workflow, release].flatMap((one) => Object.values(one.jobs))
const actions = jobs.flatMap(({ steps }) => steps.filter(({ uses }) => uses))

test('the workflows name each action by its commit, and say which version that is', () => {
  for (const one of [workflow, release]) expect(one.permissions).toEqual({ contents: 'read' })
  expect(actions.length).toBeGreaterThan(3)
  const lines = ['ci', 'release'].flatMap(
    (name) => read(`.github/workflows/${name}.yml`).match(/uses: .*/g) ?? [],
  )
  expect(lines).toHaveLength(actions.length)
  for (const line of lines) expect(line).toMatch(/^uses: [\w-]+\/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/)
})

test('no checkout of the workflows leaves the token behind', () => {
  const checkouts = actions.filter(({ uses }) => uses?.startsWith('actions/checkout@'))
  expect(checkouts).toHaveLength(jobs.length)
  for (const checkout of checkouts) expect(checkout.with).toMatchObject({ 'persist-credentials': false })
})

test('the workflow runs the whole suite on one server image, a part of it on the others, all named in docs/how-to/deploying.md', () => {
  const { servers } = workflow.jobs as unknown as {
    servers: { strategy: { matrix: { include: readonly { tag: string; tests?: string }[] } } }
  }
  const { include } = servers.strategy.matrix
  expect(include.map(({ tests }) => tests === undefined)).toEqual([true, false, false])
  for (const { tag } of include.slice(0, 2)) expect(read('docs/how-to/deploying.md')).toContain(tag)
  const named = include.flatMap(({ tests }) => tests?.split(' ') ?? [])
  for (const path of named) expect(globSync(`${path}/**`, { cwd: repository }), path).not.toEqual([])
})

test('every image is built on NODE_IMAGE, which compose.yaml and the workflow pass on; the release says where it was built', () => {
  for (const [, base] of read('Dockerfile').matchAll(/^FROM (\S+)/gm)) expect(base).toBe('${NODE_IMAGE}')
  expect(parse(read('compose.yaml'), { merge: true })).toMatchObject({
    services: { backfill: { build: { args: ['NODE_IMAGE'] } } },
  })
  for (const build of read('.github/workflows/ci.yml').match(/docker build .*/g) ?? [])
    expect(build).toContain('--build-arg NODE_IMAGE ')
  expect(read('.github/workflows/ci.yml')).toMatch(
    /\.RepoDigests 0[^;]*;;\s+esac\s+echo "NODE_IMAGE=\$image" .*\$GITHUB_ENV.*@sha256:/,
  )
  const [publish] = read('.github/workflows/release.yml').match(/npm publish.*/g) ?? []
  expect(publish).toContain('--provenance')
  expect(read('.github/workflows/release.yml')).toContain('npm pkg set repository.type=git')
  expect(release.jobs['npm']).toMatchObject({ permissions: { 'id-token': 'write' } })
})
