// Owns embedded servers of single tests: in this process, or in a parent process that a test can kill.
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { onTestFinished } from 'vitest'
import { type EmbeddedServer, startEmbedded } from '../../src/embedded/embedded-server.ts'
import { outcome, repository, start } from './processes.ts'
import { post } from './server.ts'

export const MEMORY_BYTES = 1_000_000_000

/** Starts a server in `directory`, prints where as JSON, and stays. */
export const parentProgram = join(repository, 'test/support/embedded-parent.ts')

export async function serve(directory: string): Promise<EmbeddedServer> {
  const server = await startEmbedded({ directory, memoryBytes: MEMORY_BYTES })
  onTestFinished(() => server.stop())
  return server
}

/** The answer's text without its last newline. @throws Error with the server's message */
export async function query(server: EmbeddedServer, sql: string): Promise<string> {
  return (await post(server, sql)).trim()
}

export type Parent = {
  readonly url: string
  /** The process that was started, which may be far above the one that runs `parentProgram`. */
  readonly pid: number
}

/** Runs a command that ends in `parentProgram` and waits for its server. Throws what it says where it ends before. */
export async function runParent(command: readonly string[], directory: string): Promise<Parent> {
  const [program = '', ...args] = command
  const child = start(program, [...args, directory], { cwd: repository })
  const url = new Promise<string>((resolve) => {
    child.stdout?.once('data', (text: string) => resolve((JSON.parse(text) as { url: string }).url))
  })
  const ended = outcome(child).then(({ stderr }) => Promise.reject(new Error(stderr)))
  return { url: await Promise.race([url, ended]), pid: child.pid ?? 0 }
}

/** Resolves when nobody listens there any more. */
export async function refusal(url: string): Promise<void> {
  const answers = (): Promise<boolean> =>
    fetch(`${url}/ping`).then(
      () => true,
      () => false,
    )
  while (await answers()) await sleep(20)
}
