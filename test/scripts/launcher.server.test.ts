// Owns the promises of scripts/with-deps.mjs. Its projects have no dependencies, so npm needs no network.

import { spawnSync } from 'node:child_process'
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { expect, test } from 'vitest'
import { makeProject } from '../support/launcher-project.ts'
import { type Outcome, outcome, start } from '../support/processes.ts'

function write(root: string, file: string, text: string): void {
  mkdirSync(dirname(join(root, file)), { recursive: true })
  writeFileSync(join(root, file), text)
}

function launch(root: string, ...args: readonly string[]): Promise<Outcome> {
  return outcome(start(process.execPath, [join(root, 'scripts/with-deps.mjs'), ...args]))
}

test('a program gets its arguments, its exit code comes through, and stdout holds its words alone', async () => {
  const root = makeProject()
  write(root, 'program.ts', 'console.log(process.argv.slice(2).join(" ") as string)\nprocess.exitCode = 7\n')
  const first = await launch(root, 'program.ts', 'a b', '--json')
  expect(first).toMatchObject({ code: 7, stdout: 'a b --json\n' })
  expect(first.stderr).toContain('installing dependencies')
  expect(await launch(root, 'program.ts', 'again')).toMatchObject({ code: 7, stdout: 'again\n', stderr: '' })
})

test('a program that a signal ended counts as 128 + the number of the signal', async () => {
  const root = makeProject()
  write(root, 'program.ts', 'process.kill(process.pid, "SIGKILL")\n')
  expect((await launch(root, 'program.ts')).code).toBe(128 + 9)
})

test.for(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)(
  '%s reaches the program once, which may end in its own way',
  async (signal) => {
    const root = makeProject()
    write(
      root,
      'program.ts',
      `let times = 0
      process.on('${signal}', () => { times++; setTimeout(() => { console.log(times); process.exit(42) }, 100) })
      console.log('ready')
      setInterval(() => {}, 1000)`,
    )
    await launch(root, '--eval', '') // installs
    const child = start(process.execPath, [join(root, 'scripts/with-deps.mjs'), 'program.ts'])
    const ended = outcome(child)
    await new Promise((ready) => child.stdout?.once('data', ready))
    child.kill(signal)
    expect(await ended).toMatchObject({ code: 42, stdout: 'ready\n1\n' })
  },
)

test('two launchers at once install once, and the second waits', async () => {
  const root = makeProject({ scripts: { postinstall: 'sleep 1; echo installed >> installs.log' } })
  write(root, 'program.ts', 'console.log("ran")\n')
  const both = await Promise.all([launch(root, 'program.ts'), launch(root, 'program.ts')])
  for (const one of both) expect(one).toMatchObject({ code: 0, stdout: 'ran\n' })
  expect(readFileSync(join(root, 'installs.log'), 'utf8')).toBe('installed\n')
  expect(both.map(({ stderr }) => stderr).join('')).toMatch(/waiting for process \d+/)
})

test('the lock of an installer that is gone is taken over', async () => {
  const root = makeProject()
  const { pid } = spawnSync(process.execPath, ['--eval', ''])
  write(root, 'node_modules/.backfill-installing', `${pid}`)
  expect(await launch(root, '--eval', 'console.log("ran")')).toMatchObject({ code: 0, stdout: 'ran\n' })
  expect(existsSync(join(root, 'node_modules/.backfill-installing'))).toBe(false)
})

test('a failed installation ends the launcher with its code and is tried again the next time', async () => {
  const root = makeProject({ scripts: { postinstall: 'echo tried >> installs.log; exit 3' } })
  for (const times of [1, 2]) {
    expect(await launch(root, '--eval', 'console.log("ran")')).toMatchObject({ code: 3, stdout: '' })
    expect(readFileSync(join(root, 'installs.log'), 'utf8')).toBe('tried\n'.repeat(times))
  }
})

test('a changed package.json is installed again', async () => {
  const root = makeProject({ scripts: { postinstall: 'echo installed >> installs.log' } })
  await launch(root, '--eval', '')
  const manifest = join(root, 'package.json')
  writeFileSync(manifest, `${readFileSync(manifest, 'utf8')}\n`)
  await launch(root, '--eval', '')
  await launch(root, '--eval', '')
  expect(readFileSync(join(root, 'installs.log'), 'utf8')).toBe('installed\n'.repeat(2))
})

test('an old Node hands over to the one among the dependencies, and says what to do where that is missing', async () => {
  const root = makeProject({ node: '999.1' })
  const without = await launch(root, 'program.ts')
  expect(without).toMatchObject({ code: 2, stdout: '' })
  expect(without.stderr).toContain(`Node 999.1 or newer is needed, and this is ${process.version}`)
  expect(without.stderr).toContain('npm rebuild node --ignore-scripts=false')
  write(root, 'node_modules/node/bin/node', '#!/bin/sh\necho bundled\n')
  chmodSync(join(root, 'node_modules/node/bin/node'), 0o755)
  expect(await launch(root, 'program.ts')).toMatchObject({ code: 0, stdout: 'bundled\n' })
})
