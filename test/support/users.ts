// Owns an embedded server that also knows users of a test's own: this engine reads its users once, when it starts.
import { spawn } from 'node:child_process'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { onTestFinished } from 'vitest'
import { findEngineLibrary } from '../../src/embedded/engine-library.ts'
import { EMBEDDED_USER, prepareDirectory } from '../../src/embedded/server-directory.ts'
import { repository, temporaryDirectory } from './processes.ts'

export type Login = { readonly url: string; readonly username: string; readonly password: string }

/** Starts a server whose users, by name, have exactly these grants. Their password is 'secret'. */
export async function startWithUsers(users: Readonly<Record<string, readonly string[]>>): Promise<Login> {
  const directory = temporaryDirectory()
  const { password, configFile } = prepareDirectory(directory, 1_000_000_000)
  const sections = Object.entries(users).map(
    ([name, grants]) => `<${name}><password>secret</password><networks><ip>127.0.0.1</ip></networks>
      <profile>default</profile><quota>default</quota>
      <grants>${grants.map((grant) => `<query>${grant}</query>`).join('')}</grants></${name}>`,
  )
  writeFileSync(
    configFile,
    readFileSync(configFile, 'utf8').replace('</users>', `${sections.join('')}</users>`),
  )
  const portFile = join(directory, 'port')
  const program = join(repository, 'src/embedded/server-child.ts')
  const child = spawn(
    process.execPath,
    [
      program,
      findEngineLibrary(),
      '--multiquery',
      `--config-file=${configFile}`,
      `--path=${join(directory, 'data')}`,
      '--http_port=0',
      '--listen_host=127.0.0.1',
      `--query=SYSTEM START LISTEN HTTP; SELECT getServerPort('http_port') INTO OUTFILE '${portFile}' FORMAT TSV;
        SELECT sleep(1000000000) SETTINGS function_sleep_max_microseconds_per_block = 0 FORMAT Null`,
    ],
    { stdio: ['pipe', 'ignore', 'ignore'], env: { ...process.env, TZ: 'UTC' } },
  )
  onTestFinished(() => void child.kill('SIGKILL'))
  const port = () => (existsSync(portFile) ? readFileSync(portFile, 'utf8').trim() : '')
  while (port() === '') await sleep(50)
  return { url: `http://127.0.0.1:${port()}`, username: EMBEDDED_USER, password }
}
