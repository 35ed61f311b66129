// Owns an embedded server that also knows users of a test's own: this engine reads its users once, when it starts.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { onTestFinished } from 'vitest'
import { findEngineLibrary } from '../../src/embedded/embedded-server.ts'
import { EMBEDDED_USER, prepareDirectory } from '../../src/embedded/server-directory.ts'
import { repository } from './processes.ts'

export type Login = { readonly url: string; readonly username: string; readonly password: string }

export type User = {
  /** All it may do. */
  readonly grants: readonly string[]
  /** A table with its database, and the rows of it that the user sees: a row policy. */
  readonly sees?: { readonly database: string; readonly table: string; readonly filter: string }
  /** Settings of its profile. */
  readonly profile?: Readonly<Record<string, string>>
  /** Settings that it may not change, or not beyond: `<max>60</max>`, `<const/>`. */
  readonly constraints?: Readonly<Record<string, string>>
}

/** Starts a server that has these users, by name, until the test has finished. Their password is 'secret'. */
export async function startWithUsers(users: Readonly<Record<string, User>>): Promise<Login> {
  const server = await launchWithUsers(users)
  onTestFinished(() => server.stop())
  return server
}

/** The same, for a whole file. */
export async function launchWithUsers(
  users: Readonly<Record<string, User>>,
): Promise<Login & { stop(): Promise<void> }> {
  const directory = mkdtempSync(join(tmpdir(), 'backfill-users-'))
  const { password, configFile } = prepareDirectory(directory, { memoryBytes: 1_000_000_000, isAdmin: true })
  const config = readFileSync(configFile, 'utf8')
    .replace('</users>', `${Object.entries(users).map(userSection).join('')}</users>`)
    .replace('</profiles>', `${Object.entries(users).map(profileSection).join('')}</profiles>`)
  writeFileSync(configFile, config)
  const portFile = join(directory, 'port')
  const program = join(repository, 'src/embedded/server-child.ts')
  const child = spawn(
    process.execPath,
    [
      program,
      findEngineLibrary(),
      '', // not shut in
      '--multiquery',
      `--config-file=${configFile}`,
      `--path=${join(directory, 'data')}`,
      '--http_port=0',
      '--listen_host=127.0.0.1',
      '--log-level=warning',
      `--query=SYSTEM START LISTEN HTTP; SELECT getServerPort('http_port') INTO OUTFILE '${portFile}' FORMAT TSV;
        SELECT sleep(1000000000) SETTINGS function_sleep_max_microseconds_per_block = 0 FORMAT Null`,
    ],
    { stdio: ['pipe', 'ignore', 'ignore'], env: { ...process.env, TZ: 'UTC' } },
  )
  const stop = async () => {
    const ended = once(child, 'close')
    child.kill('SIGKILL')
    await ended
    rmSync(directory, { recursive: true, force: true, maxRetries: 3 })
  }
  const port = () => (existsSync(portFile) ? readFileSync(portFile, 'utf8').trim() : '')
  while (port() === '') {
    if (child.exitCode !== null)
      throw new Error(`the server has ended with ${child.exitCode} before it listened`)
    await sleep(50)
  }
  return { url: `http://127.0.0.1:${port()}`, username: EMBEDDED_USER, password, stop }
}

function userSection([name, { grants, sees }]: readonly [string, User]): string {
  const policy =
    sees === undefined
      ? ''
      : `<databases><${sees.database}><${sees.table}><filter>${sees.filter}</filter></${sees.table}></${sees.database}></databases>`
  const queries = grants.map((grant) => `<query>${grant}</query>`).join('')
  return `<${name}><password>secret</password><networks><ip>127.0.0.1</ip></networks>
    <profile>${name}</profile><quota>default</quota><grants>${queries}</grants>${policy}</${name}>`
}

function profileSection([name, { profile = {}, constraints = {} }]: readonly [string, User]): string {
  return `<${name}>${elements(profile)}<constraints>${elements(constraints)}</constraints></${name}>`
}

function elements(values: Readonly<Record<string, string>>): string {
  return Object.entries(values)
    .map(([setting, value]) => `<${setting}>${value}</${setting}>`)
    .join('')
}
