// Owns the promises about connections that fall silent, but for those that a real server is needed for (http-agent.server.test.ts).
import { once } from 'node:events'
import http, { type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http'
import { type AddressInfo, createServer } from 'node:net'
import { Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, onTestFinished, test } from 'vitest'
import { agentFor, withStatus } from '../../src/clickhouse/http-agent.ts'
import { openServer } from '../../src/clickhouse/server.ts'
import { replaceSilenceLimits } from '../../src/clickhouse/silence.ts'
import { ask, clientOf, connectionTo, listening } from '../support/answering.ts'

test(
  'a server that is silent on every connection ends a question and a ping within the limits',
  { timeout: 15_000 },
  async () => {
    onTestFinished(replaceSilenceLimits({ lookMs: 100, answerMs: 200 }))
    const url = await listening(() => {})
    const error: unknown = await openServer(connectionTo(url)).catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({
      kind: 'server',
      message: `cannot reach ClickHouse (target ${url}) while connecting: the connection has fallen silent`,
    })
    expect(await clientOf(url).ping()).toMatchObject({
      success: false,
      error: { message: 'the connection has fallen silent' },
    })
  },
)

test('an answer of a blank at a time, without end, is given up as silence is', async () => {
  onTestFinished(replaceSilenceLimits({ lookMs: 100, answerMs: 200 }))
  const url = await listening((_, response) => {
    const dripping = setInterval(() => response.write(' '), 20)
    response.once('close', () => clearInterval(dripping))
  })
  await expect(openServer(connectionTo(url))).rejects.toMatchObject({
    kind: 'server',
    message: expect.stringContaining('the connection has fallen silent'),
  })
})

test('a port that says nothing to TLS is noticed, too', async () => {
  onTestFinished(replaceSilenceLimits({ lookMs: 50, answerMs: 100 }))
  const mute = createServer((socket) => void socket.on('error', () => {}))
  await once(mute.listen(0, '127.0.0.1'), 'listening')
  onTestFinished(() => void mute.close())
  const { port } = mute.address() as AddressInfo
  await expect(ask(`https://127.0.0.1:${port}`)).rejects.toThrow('the connection has fallen silent')
})

type Answers = {
  /** What is answered when somebody looks for running statements. */
  readonly look: (response: ServerResponse) => void
  /** Whether it answers; what is left unanswered is answered after ENOUGH_LOOKS. */
  readonly question?: (response: ServerResponse, request: IncomingMessage, body: string) => void
}

const ENOUGH_LOOKS = 8

/** A server and what it has heard: `question` or `look`. */
async function hearing({ look, question = () => {} }: Answers) {
  const heard: string[] = []
  const waiting: ServerResponse[] = []
  const answer: (...parts: Parameters<RequestListener>) => Promise<void> = async (request, response) => {
    const body = await text(request)
    if (!body.includes('system.processes')) {
      heard.push('question')
      question(response, request, body)
      waiting.push(response)
      return
    }
    heard.push('look')
    look(response)
    if (heard.filter((one) => one === 'look').length > ENOUGH_LOOKS) waiting.forEach(answered)
  }
  const url = await listening((request, response) => void answer(request, response).catch(() => {}))
  return { url, heard }
}

const DISPLAY_NAME = 'x-clickhouse-server-display-name'

function found(response: ServerResponse, { name = 'one', host = 'id one', runs = 0, sees = 1 } = {}): void {
  response.setHeader(DISPLAY_NAME, name).end(`${JSON.stringify({ host, runs, sees })}\n`)
}

function answered(response: ServerResponse): void {
  if (response.writableEnded) return
  response.setHeader(DISPLAY_NAME, 'one').setHeader('x-clickhouse-summary', '{}').end('{"data":[{"n":1}]}')
}

test('two looks that find nothing are enough, and the silent connection is closed', async () => {
  onTestFinished(replaceSilenceLimits({ lookMs: 100, answerMs: 2_000 }))
  const { url, heard } = await hearing({
    look: found,
    question(response, { socket }) {
      if (heard.length > 1) response.end('{"data":[{"n":1}]}')
      else socket.once('close', () => heard.push('closed'))
    },
  })
  expect(await ask(url)).toEqual([{ n: 1 }])
  expect(heard).toEqual(['question', 'look', 'look', 'closed', 'question'])
})

test('a look whose answer breaks off in silence counts as unanswered', async () => {
  onTestFinished(replaceSilenceLimits({ lookMs: 50, answerMs: 100 }))
  const { url, heard } = await hearing({ look: (response) => response.flushHeaders(), question: () => {} })
  await expect(ask(url)).rejects.toThrow('the connection has fallen silent')
  expect(heard).toEqual(['question', 'look', 'look'])
})

test.for([
  ['of another name', { name: 'two', host: 'id two' }],
  ['of the same name', { name: 'one', host: 'id two' }],
] as const)(
  'behind a load balancer a host %s knows nothing of a statement: it is waited for',
  async ([, other]) => {
    onTestFinished(replaceSilenceLimits({ lookMs: 50, answerMs: 2_000 }))
    const { url, heard } = await hearing({
      look: (response) => found(response, other),
      question(response, _, body) {
        if (body.includes('AS identity'))
          response
            .setHeader(DISPLAY_NAME, 'one')
            .end('{"data":[{"version":"1","identity":"id one","arrived":[],"changed":[]}]}')
      },
    })
    const server = await openServer(connectionTo(url))
    onTestFinished(() => server.close())
    await server.client.command({ query: 'DROP TABLE x' })
    expect(heard.filter((one) => one === 'question')).toHaveLength(2)
  },
)

test('a statement that each host behind a load balancer denies is lost', async () => {
  onTestFinished(replaceSilenceLimits({ lookMs: 20, answerMs: 2_000 }))
  let looks = 0
  const { url } = await hearing({
    look: (response) => found(response, (looks += 1) % 2 === 0 ? {} : { name: 'two', host: 'id two' }),
    question: (response, _, body) => body.includes('first') && answered(response),
  })
  const client = clientOf(url)
  await client.rows({ query: 'first' })
  await expect(client.command({ query: 'DROP TABLE x' })).rejects.toThrow('the connection has fallen silent')
  expect(looks).toBeGreaterThanOrEqual(4)
})

test.for([
  ['the user may not see', (response: ServerResponse) => denied(response)],
  ['a proxy gives ids of its own', (response: ServerResponse) => found(response, { sees: 0 })],
] as const)('statements whose fate %s are waited for', async ([, look]) => {
  onTestFinished(replaceSilenceLimits({ lookMs: 20, answerMs: 2_000 }))
  const { url, heard } = await hearing({ look })
  expect(await ask(url)).toEqual([{ n: 1 }])
  expect(heard.filter((one) => one === 'question')).toHaveLength(1)
})

test('the wait for a statement that the user may not see ends, too, and says which right would shorten it', async () => {
  onTestFinished(replaceSilenceLimits({ lookMs: 200, answerMs: 2_000, lastMs: 600 }))
  const { url } = await hearing({ look: denied, question: () => {} })
  await expect(ask(url)).rejects.toMatchObject({
    kind: 'server',
    message: `cannot reach ClickHouse (target ${url}): nothing has moved for 0.01 minutes`,
    hint: 'Silence is noticed within a minute if the user may see what runs: GRANT SELECT ON system.processes TO ann',
  })
})

function denied(response: ServerResponse): void {
  response
    .writeHead(403, { 'x-clickhouse-exception-code': '497' })
    .end('Code: 497. DB::Exception: ann: Not enough privileges. (ACCESS_DENIED)')
}

async function* slowly() {
  for (let part = 0; part < 10; part++) {
    await sleep(60)
    yield `part ${part}`
  }
}

test('a statement whose rows are still being sent is not taken for lost, and nobody looks for it', async () => {
  onTestFinished(replaceSilenceLimits({ lookMs: 50, answerMs: 2_000 }))
  const { url, heard } = await hearing({ look: found, question: answered })
  for (const query of ['', 'INSERT INTO x']) {
    const values = Readable.from(slowly(), { objectMode: false })
    expect(await clientOf(url).text({ query, values })).toBe('{"data":[{"n":1}]}')
  }
  expect(heard).toEqual(['question', 'question'])
})

test('a statement whose rows nobody takes any more is lost', async () => {
  onTestFinished(replaceSilenceLimits({ lookMs: 50, answerMs: 2_000 }))
  let looks = 0
  const url = await listening((request, response) => {
    if (new URL(request.url!, 'http://x').searchParams.get('query')?.includes('INSERT')) return
    looks += 1
    found(response)
  })
  const values = Readable.from(endlessly(), { objectMode: false })
  await expect(clientOf(url).text({ query: 'INSERT INTO x', values })).rejects.toThrow(
    'the connection has fallen silent',
  )
  expect(looks).toBe(2)
})

function* endlessly() {
  for (;;) yield Buffer.alloc(65_536)
}

test('what moves on a connection is counted from the request on: one that waits for it, or served others, moves nothing', async () => {
  const held: ServerResponse[] = []
  const url = await listening((_, response) => void held.push(response))
  const agent = agentFor({ url })
  agent.maxSockets = 1
  onTestFinished(() => agent.destroy())
  const sent = () =>
    withStatus(async (inUse) => {
      const request = http.request(url, { agent, method: 'POST' }).end()
      return { ...inUse, answered: once(request, 'response') as Promise<[IncomingMessage]> }
    })
  const [first, second] = [await sent(), await sent()]
  await expect.poll(() => held.length).toBe(1)
  expect([first.moved(), second.moved()]).toEqual([0, undefined])
  held[0]!.end('x'.repeat(1000))
  await text((await first.answered)[0])
  await expect.poll(() => held.length).toBe(2)
  expect(second.moved()).toBe(0)
  held[1]!.end('x')
  await text((await second.answered)[0])
  expect(second.moved()).toBeGreaterThan(0)
})
