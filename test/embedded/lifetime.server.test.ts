// Owns the promise that the embedded server never outlives its parent, whatever kills that.

import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { pathToFileURL } from 'node:url'
import { expect, test } from 'vitest'
import { MEMORY_BYTES, parentProgram, query, refusal, runParent, serve } from '../support/embedded.ts'
import { makeProject } from '../support/launcher-project.ts'
import { outcome, repository, start, temporaryDirectory } from '../support/processes.ts'

const serverModule = pathToFileURL(join(repository, 'src/embedded/embedded-server.ts')).href

const parents: Readonly<Record<string, () => readonly string[]>> = {
  'a parent under Node': () => [process.execPath, parentProgram],
  // Not node_modules/.bin/deno, which may be a wrapper around the process that matters.
  'a parent under Deno': () => [
    join(repository, 'node_modules/deno/deno'),
    'run',
    '--allow-all',
    parentProgram,
  ],
  'the launcher': () => [process.execPath, join(makeProject(), 'scripts/with-deps.mjs'), parentProgram],
  npm: () => {
    const root = makeProject({ scripts: { serve: `node scripts/with-deps.mjs ${parentProgram}` } })
    return ['npm', '--prefix', root, 'run', '--silent', 'serve', '--']
  },
}

test.for(Object.entries(parents))(
  'kill -9 of %s ends the server: the port is closed',
  async ([, command]) => {
    const { url, pid } = await runParent(command(), temporaryDirectory())
    expect((await fetch(`${url}/ping`)).ok).toBe(true)
    process.kill(pid, 'SIGKILL')
    await refusal(url)
  },
)

test('kill -9 of the test runner ends the server: the port is closed', async () => {
  const root = temporaryDirectory()
  writeFileSync(
    join(root, 'serves.test.ts'),
    `import { renameSync, writeFileSync } from 'node:fs'
    test('serves', { timeout: 60_000 }, async () => {
      const { startEmbedded } = await import('${serverModule}')
      const { url } = await startEmbedded({ directory: './state', memoryBytes: ${MEMORY_BYTES} })
      writeFileSync('url.draft', url)
      renameSync('url.draft', 'url')
      await new Promise(() => {})
    })`,
  )
  const vitest = join(repository, 'node_modules/vitest/vitest.mjs')
  const args = [vitest, 'run', '--globals', '--pool', 'forks', '--root', root]
  const runner = start(process.execPath, args, { cwd: root, stdio: 'ignore' })
  while (!existsSync(join(root, 'url'))) await sleep(50)
  const url = readFileSync(join(root, 'url'), 'utf8')
  runner.kill('SIGKILL')
  await refusal(url)
})

test('it does not keep a process alive that has nothing else to do', async () => {
  const program = `const { startEmbedded } = await import('${serverModule}')
    console.log((await startEmbedded({ directory: '${temporaryDirectory()}' })).url)`
  const ended = await outcome(start(process.execPath, ['--input-type=module', '--eval', program]))
  expect(ended).toMatchObject({ code: 0, stdout: expect.stringMatching(/^http/) })
  await refusal(ended.stdout.trim())
})

test('Ctrl-C, which reaches the whole group, leaves it running for its parent', async () => {
  const server = await serve(temporaryDirectory())
  process.kill(server.pid, 'SIGINT')
  await sleep(200)
  expect(await query(server, 'SELECT 1')).toBe('1')
})
