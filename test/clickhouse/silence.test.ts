// Owns the promises about connections that fall silent, but for those that a real server is needed for (http-agent.server.test.ts).
import type { RequestListener } from 'node:http'
import { Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, onTestFinished, test } from 'vitest'
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

/** Answers looks for running statements with `server`, and each question after `ms`; how many questions there were. */
async function late(server: () => string, ms: number) {
  onTestFinished(replaceSilenceLimits({ lookMs: 50, answerMs: 2_000 }))
  const questions: string[] = []
  const answer: (...parts: Parameters<RequestListener>) => Promise<unknown> = async (request, response) => {
    const body = await text(request)
    if (body.includes('system.processes')) return response.end(`{"server":"${server()}","n":0}\n`)
    questions.push(body)
    return setTimeout(() => response.end('{"n":1}\n'), ms)
  }
  const url = await listening((request, response) => void answer(request, response))
  return { url, questions }
}

test('two looks that find nothing are enough, and the silent connection is closed', async () => {
  onTestFinished(replaceSilenceLimits({ lookMs: 100, answerMs: 2_000 }))
  const heard: string[] = []
  const answer: (...parts: Parameters<RequestListener>) => Promise<unknown> = async (request, response) => {
    const isLook = (await text(request)).includes('system.processes')
    heard.push(isLook ? 'look' : 'question')
    if (isLook) return response.end('{"server":"one","n":0}\n')
    if (heard.length > 1) return response.end('{"n":1}\n')
    return request.socket.once('close', () => heard.push('closed'))
  }
  expect(await ask(await listening((request, response) => void answer(request, response)))).toEqual([
    { n: 1 },
  ])
  expect(heard).toEqual(['question', 'look', 'look', 'closed', 'question'])
})

test('behind a load balancer another server knows nothing of a question: it is waited for', async () => {
  let looks = 0
  const balanced = await late(() => `server ${(looks += 1)}`, 1_000)
  expect(await ask(balanced.url)).toEqual([{ n: 1 }])
  expect(balanced.questions).toHaveLength(1)
  expect(looks).toBeGreaterThan(2)
})

async function* slowly() {
  for (let part = 0; part < 10; part++) {
    await sleep(60)
    yield `part ${part}`
  }
}

test('a question whose rows are still being sent is not taken for lost', async () => {
  const { url, questions } = await late(() => 'one', 0)
  const form = { query: '', values: Readable.from(slowly(), { objectMode: false }) }
  expect(await clientOf(url).text(form)).toBe('{"n":1}\n')
  expect(questions).toHaveLength(1)
})
