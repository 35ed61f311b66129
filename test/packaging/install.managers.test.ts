// Owns the promise that every package manager installs the program by its name into an empty folder, where it runs; and that
// it runs as one executable file.
import { createHash } from 'node:crypto'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { homedir, tmpdir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { toolVersion } from '../../src/package-folder.ts'
import { pack } from '../support/packed.ts'
import { outcome, repository, start, temporaryDirectory } from '../support/processes.ts'

const NAME = 'clickhouse-backfill'
const ELSEWHERE = process.env['NPM_CONFIG_REGISTRY'] ?? 'https://registry.npmjs.org'

let folder: string
let registry: Server
let url: string
test('it is packed, and a registry has it', async () => {
  folder = mkdtempSync(join(tmpdir(), 'backfill-registry-'))
  const tarball = readFileSync(await pack(join(folder, 'packed')))
  const manifest = JSON.parse(readFileSync(join(repository, 'package.json'), 'utf8')) as object
  const hash = (name: string, form: 'hex' | 'base64') => createHash(name).update(tarball).digest(form)
  const packument = () => ({
    name: NAME,
    'dist-tags': { latest: toolVersion() },
    versions: {
      [toolVersion()]: {
        ...manifest,
        dist: {
          tarball: `${url}/package.tgz`,
          shasum: hash('sha1', 'hex'),
          integrity: `sha512-${hash('sha512', 'base64')}`,
        },
      },
    },
    // Some wait until a version is some days old.
    time: { [toolVersion()]: '2026-01-01T00:00:00.000Z' },
  })
  registry = createServer((request, response) => {
    const path = request.url ?? ''
    if (path === '/package.tgz') response.end(tarball)
    else if (path === `/${NAME}`)
      response.setHeader('content-type', 'application/json').end(JSON.stringify(packument()))
    else response.writeHead(302, { location: new URL(path, ELSEWHERE).href }).end()
  }).listen(0, '127.0.0.1')
  await new Promise((listening) => registry.once('listening', listening))
  url = `http://127.0.0.1:${(registry.address() as AddressInfo).port}`
})
test('one executable file lists its tables where nothing else is, also when two start it at once', async () => {
  const home = temporaryDirectory()
  const file = join(home, 'backfill')
  const made = await outcome(
    start(process.execPath, ['scripts/executable.mjs', file], { cwd: join(folder, 'packed') }),
  )
  expect(made.code, made.stderr).toBe(0)
  const list = () => outcome(start('env', ['-i', `HOME=${home}`, file, 'list'], { cwd: home }))
  const ended = await Promise.all([list(), list()])
  for (const { code, stdout, stderr } of [...ended, await list()]) {
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(stdout).toMatch(/^block_slots_stat {2}table int_block_slots_stat$/m)
  }
  expect(readdirSync(join(home, '.cache/clickhouse-backfill'))).toHaveLength(1)
  expect(
    await outcome(start('env', ['-i', 'XDG_CACHE_HOME=/dev/null', file, 'list'], { cwd: home })),
  ).toEqual({
    code: 2,
    stdout: '',
    stderr: expect.stringMatching(/^backfill: cannot unpack into .*\n {2}set XDG_CACHE_HOME to .*\n$/),
  })
})

afterAll(() => {
  registry?.closeAllConnections()
  registry?.close()
  rmSync(folder, { recursive: true, force: true })
})

const deno = [process.execPath, join(repository, 'node_modules/deno/bin.cjs')]

test.for<{ manager: string; add: readonly string[]; run: readonly string[] }>([
  { manager: 'npm', add: ['npm', 'install', NAME], run: ['npx', '--no-install', 'backfill'] },
  {
    manager: 'pnpm',
    add: ['npx', '--yes', 'pnpm@10', 'add', NAME],
    run: ['npx', '--yes', 'pnpm@10', 'exec', 'backfill'],
  },
  {
    manager: 'Yarn 1',
    add: ['npx', '--yes', 'yarn@1', 'add', NAME],
    run: ['npx', '--yes', 'yarn@1', '--silent', 'backfill'],
  },
  {
    manager: 'Yarn 4, without node_modules',
    add: ['npx', '--yes', '@yarnpkg/cli-dist@4', 'add', NAME],
    run: ['npx', '--yes', '@yarnpkg/cli-dist@4', 'backfill'],
  },
  {
    manager: 'Deno',
    add: [...deno, 'add', `npm:${NAME}`],
    run: [...deno, 'run', '--allow-all', '--quiet', `npm:${NAME}/backfill`],
  },
])('$manager installs it by its name, and it lists its tables', async ({ add, run }) => {
  const cwd = temporaryDirectory()
  writeFileSync(join(cwd, 'package.json'), '{}\n')
  const env = {
    PATH: [dirname(process.execPath), process.env['PATH']].join(delimiter),
    HOME: cwd,
    // What this machine needs to reach a registry.
    npm_config_userconfig: join(homedir(), '.npmrc'),
    DENO_DIR: join(cwd, 'deno'),
    NO_COLOR: '1',
    npm_config_registry: url,
    NPM_CONFIG_REGISTRY: url,
    YARN_NPM_REGISTRY_SERVER: url,
    YARN_UNSAFE_HTTP_WHITELIST: '127.0.0.1',
  }
  const say = async ([program = '', ...words]: readonly string[]) => {
    const { code, stdout, stderr } = await outcome(start(program, words, { cwd, env }))
    expect(code, stdout + stderr).toBe(0)
    return stdout
  }
  await say(add)
  expect(await say([...run, 'list'])).toMatch(/^block_slots_stat {2}table int_block_slots_stat$/m)
})
