// Owns the promises of `serve` that need no server: where it listens, which Host it answers, how questions are shared, and
// what it says while ClickHouse is unreachable.
import { get } from 'node:http'
import { PassThrough } from 'node:stream'
import { expect, onTestFinished, test } from 'vitest'
import { isOurHost, listenAddress } from '../../../src/commands/serve/server.ts'
import { serveUntil } from '../../../src/commands/serve/server.ts'
import { answersFor, sharedReads } from '../../../src/commands/serve/answers.ts'
import { createOutput } from '../../../src/terminal/output.ts'
import { connectServers } from '../../../src/workspace/open.ts'
import { readConfig } from '../../../src/workspace/config.ts'
import { typedWords } from '../../../src/workspace/values.ts'
import { NOWHERE } from '../../support/cli.ts'
import { repository } from '../../support/processes.ts'

const address = (text: string) => listenAddress({ text, place: '--listen' })

test('--listen takes an address with a port', () => {
  expect(address('127.0.0.1:8477')).toEqual({ host: '127.0.0.1', port: 8477 })
  expect(address('[::1]:0')).toEqual({ host: '::1', port: 0 })
  expect(address('reports.example:80')).toEqual({ host: 'reports.example', port: 80 })
  for (const wrong of ['8477', ':8477', '127.0.0.1', 'host:65536', '::1:80', 'http://host:80', 'a b:80'])
    expect(() => address(wrong), wrong).toThrow('--listen must be an address and a port')
})

test('on loopback only loopback names are answered: no foreign name that resolves to it', () => {
  for (const host of ['localhost', 'localhost:8477', '127.0.0.1:8477', '[::1]:8477', 'LOCALHOST'])
    expect(isOurHost('127.0.0.1', host), host).toBe(true)
  for (const host of [
    undefined,
    '',
    'attacker.example',
    'localhost.attacker.example',
    '127.0.0.1.attacker.example:80',
  ])
    expect(isOurHost('::1', host), host).toBe(false)
  expect(isOurHost('::ffff:127.0.0.1', 'attacker.example')).toBe(false)
  expect(isOurHost('0.0.0.0', 'reports.example')).toBe(true)
})

const tellSecret = () => Promise.resolve({ status: 200, type: 'text/plain', body: 'secret' } as const)

test('another name of loopback is loopback, too', async () => {
  const end = new AbortController()
  const url = Promise.withResolvers<string>()
  const place = { host: '127.1', port: 0 }
  const served = serveUntil(end.signal, place, { answering: tellSecret, ready: url.resolve })
  onTestFinished(async () => {
    end.abort()
    await served
  })
  const { port } = new URL(await url.promise)
  const status = await new Promise((resolve, reject) => {
    const headers = { host: 'attacker.example', connection: 'close' }
    get({ host: '127.0.0.1', port, headers }, (answer) => {
      answer.resume()
      resolve(answer.statusCode)
    }).once('error', reject)
  })
  expect(status).toBe(421)
})

test('who asks the same at the same time shares one answer; only so many different questions are under way', async () => {
  const share = sharedReads<number>(2)
  let asked = 0
  const gate = Promise.withResolvers<void>()
  const read = async () => {
    asked++
    await gate.promise
    return asked
  }
  const answers = [share('a', read), share('a', read), share('b', read)]
  expect(answers[1]).toBe(answers[0])
  expect(share('c', read)).toBe(undefined)
  expect(asked).toBe(2)
  gate.resolve()
  await Promise.all(answers.map((one) => one!))
  expect(await share('a', read)).toBe(3)
  await expect(share('a', () => Promise.reject(new Error('gone')))).rejects.toThrow('gone')
  expect(await share('a', read)).toBe(4)
})

test('while ClickHouse is unreachable every question is answered with 503, the reason, and no password', async () => {
  const environment = { ...NOWHERE, TARGET_CLICKHOUSE_PASSWORD: 'hush hush' }
  const config = readConfig({ flags: new Map(), environment, folder: repository })
  const stream = new PassThrough() as unknown as NodeJS.WriteStream
  const terminal = { stdout: stream, stderr: stream, env: environment, cwd: () => repository }
  const output = createOutput(terminal, new Map(), config.secrets)
  await connectServers(
    config,
    () => {},
    async (connections) => {
      const answering = answersFor({ flags: new Map(), config, output }, connections)
      for (const path of ['/healthz', '/', '/status.json', '/metrics', '/check']) {
        const { status, body } = (await answering(path, new URLSearchParams()))!
        expect([path, status]).toEqual([path, 503])
        expect(JSON.parse(body)).toMatchObject({
          error: { kind: 'server', message: expect.stringContaining('cannot reach') },
        })
        expect(body).not.toContain('hush')
      }
    },
  )
})

const contextOf = (network: string) => {
  const flags = new Map(typedWords({ network }))
  const config = readConfig({ flags, environment: NOWHERE, folder: repository })
  const stream = new PassThrough() as unknown as NodeJS.WriteStream
  const terminal = { stdout: stream, stderr: stream, env: NOWHERE, cwd: () => repository }
  return { flags, config, output: createOutput(terminal, flags, config.secrets) }
}

test('a parameter that is given twice is refused, as a flag is', async () => {
  const context = contextOf('mainnet')
  await connectServers(
    context.config,
    () => {},
    async (connections) => {
      const answer = await answersFor(context, connections)('/readyz', new URLSearchParams('to=5&to=6'))!
      expect([answer.status, answer.body]).toEqual([
        400,
        expect.stringContaining('parameter to is given twice'),
      ])
    },
  )
})

test('of several networks that are served, a question about one names it', async () => {
  const each = ['mainnet', 'sepolia'].map(contextOf)
  await connectServers(
    each[0]!.config,
    () => {},
    async (connections) => {
      const answering = answersFor({ ...each[0]!, each }, connections)
      const ask = async (path: string, network?: string) => {
        const { status, body } = (await answering(path, new URLSearchParams(network && { network })))!
        return [status, (JSON.parse(body) as { error: { message: string } }).error.message]
      }
      const named = 'name one of the networks that are served, network=<name>: mainnet, sepolia'
      expect(await ask('/check')).toEqual([400, named])
      expect(await ask('/check', 'holesky')).toEqual([400, 'network holesky is not served: mainnet, sepolia'])
      expect((await ask('/check', 'sepolia'))[0]).toBe(503)
      expect((await ask('/metrics'))[0]).toBe(503)
    },
  )
})
