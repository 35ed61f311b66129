// Owns the promises of what stands between the program and a server: lost connections, gateways, proxies, certificates.
import { randomUUID } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { text } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, onTestFinished, test, vi } from 'vitest'
import { retryDecision } from '../../src/clickhouse/error-codes.ts'
import { agentFor } from '../../src/clickhouse/http-agent.ts'
import { passesSoon } from '../../src/clickhouse/retry.ts'
import { serverError } from '../../src/clickhouse/server-error.ts'
import { openServer } from '../../src/clickhouse/server.ts'
import { replaceRandom } from '../../src/seam/random.ts'
import { ask, clientOf, connectionTo, listening } from '../support/answering.ts'

test('a question whose connection is lost is asked again, a statement that writes is not', async () => {
  let asked = 0
  const url = await listening((request, response) => {
    asked += 1
    if (asked % 2 === 1) request.socket.destroy()
    else response.end('{"data":[{"n":1}]}')
  })
  expect(await ask(url)).toEqual([{ n: 1 }])
  expect(asked).toBe(2)
  await expect(clientOf(url).command({ query: 'DROP TABLE x' })).rejects.toMatchObject({ kind: 'server' })
  expect(asked).toBe(3)
})

test('a statement that may run twice, such as CREATE … IF NOT EXISTS or CHECK GRANT, is sent again', async () => {
  let asked = 0
  const url = await listening((request, response) => {
    asked += 1
    if (asked % 2 === 1) request.socket.destroy()
    else response.writeHead(200, { 'x-clickhouse-summary': '{}' }).end('1')
  })
  const client = clientOf(url)
  await client.command({ query: 'CREATE DATABASE IF NOT EXISTS x', isRepeatable: true })
  expect(await client.text({ query: 'CHECK GRANT SELECT ON x.*', isRepeatable: true })).toBe('1')
  const { stream } = await client.exec({ query: 'SELECT 1', isRepeatable: true })
  expect((await stream.toArray()).join('')).toBe('1')
  expect(asked).toBe(6)
})

test.for([408, 425, 429, 502, 504, 522, 530])(
  'a question that a gateway answers with %i is asked again',
  async (status) => {
    let asked = 0
    const url = await listening((_, response) => {
      asked += 1
      response
        .writeHead(asked === 1 ? status : 200)
        .end(asked === 1 ? '<html>a page</html>' : '{"data":[{"n":1}]}')
    })
    expect(await ask(url)).toEqual([{ n: 1 }])
    expect(asked).toBe(2)
  },
)

test('a question whose answer breaks off, or whose host no name server knows just now, is asked again', async () => {
  let asked = 0
  const url = await listening((request, response) => {
    asked += 1
    response.writeHead(200, { 'content-length': '18' }).write('{"data":[{')
    if (asked === 1) setImmediate(() => request.socket.destroy())
    else response.end('"n":1}]}')
  })
  expect(await ask(url)).toEqual([{ n: 1 }])
  expect(asked).toBe(2)
  const unknown = Object.assign(new Error('getaddrinfo EAI_AGAIN db'), { code: 'EAI_AGAIN' })
  expect(passesSoon(serverError(unknown, { connection: connectionTo(url), doing: undefined }))).toBe(true)
})

test('rows that something in between has cut off without a sign are noticed, and asked for again', async () => {
  let asked = 0
  const url = await listening((_, response) => {
    asked += 1
    response.end(asked === 1 ? '{"data":[{"n":1},\n' : '{"data":[{"n":1},{"n":2}]}')
  })
  expect(await ask(url)).toEqual([{ n: 1 }, { n: 2 }])
})

const ENDS: readonly (readonly [string, (response: ServerResponse) => void])[] = [
  ['ends', (response: ServerResponse) => void response.end()],
  ['breaks off', (response: ServerResponse) => void setImmediate(() => response.destroy())],
]
test.for(ENDS)(
  'an error of the server behind the first rows of an answer that %s is said with its code',
  async ([, end]) => {
    const url = await listening((_, response) => {
      response.write(
        '{"data":[{"n":1},\nCode: 241. DB::Exception: too much. (MEMORY_LIMIT_EXCEEDED) (version 26)',
      )
      end(response)
    })
    await expect(ask(url)).rejects.toMatchObject({ kind: 'failed', code: 241, retry: 'split' })
  },
)

test.for(['', '{"hello":"world"}', '-1', 'null', '"a"', '{"data":[7]}', '<html>please log in</html>'])(
  'rows that are none end with a sentence: %s',
  async (answer) => {
    const url = await listening((_, response) => void response.end(answer))
    await expect(ask(url)).rejects.toMatchObject({
      kind: 'server',
      message: expect.stringContaining('its rows are no rows'),
    })
  },
)

test('questions that a busy server refused together do not come back together', async () => {
  const fractions = [0.99, 0]
  onTestFinished(replaceRandom({ id: randomUUID, below: () => 0, fraction: () => fractions.shift() ?? 0 }))
  const heard: string[] = []
  const answer = async (request: IncomingMessage, response: ServerResponse) => {
    const which = /first|second/.exec(await text(request))![0]
    heard.push(which)
    const isBusy = heard.length <= 2
    // Refused when both are here, one after the other: however busy the machine is, they begin to wait together.
    const isNext = () => heard.length >= 2 && fractions.length === (which === 'first' ? 2 : 1)
    if (isBusy) while (!isNext()) await sleep(5)
    if (isBusy) response.writeHead(500, { 'x-clickhouse-exception-code': '202' })
    response.end(
      isBusy ? 'Code: 202. DB::Exception: Too many. (TOO_MANY_SIMULTANEOUS_QUERIES)' : '{"data":[{"n":1}]}',
    )
  }
  const url = await listening((request, response) => void answer(request, response))
  const client = clientOf(url)
  const first = client.rows({ query: "SELECT 'first' AS n" })
  while (heard.length < 1) await sleep(5)
  await Promise.all([first, client.rows({ query: "SELECT 'second' AS n" })])
  expect(heard).toEqual(['first', 'second', 'second', 'first'])
})

test('a statement that a busy server refused before it began is sent again, whatever it writes', async () => {
  let asked = 0
  const url = await listening((request, response) => {
    asked += 1
    request.resume()
    if (asked === 1) response.writeHead(500, { 'x-clickhouse-exception-code': '202' })
    else response.setHeader('x-clickhouse-summary', '{}')
    response.end(
      asked > 1
        ? ''
        : 'Code: 202. DB::Exception: Too many simultaneous queries. Maximum: 1. (TOO_MANY_SIMULTANEOUS_QUERIES)',
    )
  })
  await clientOf(url).command({ query: 'CREATE DATABASE x' })
  expect(asked).toBe(2)
})

test.for([
  [401, 'Unauthorized', '_PASSWORD'],
  [403, 'Forbidden', '_PASSWORD'],
  [407, 'Proxy Authentication Required', 'HTTP_PROXY'],
  [413, 'Payload Too Large', 'client_max_body_size'],
  [500, 'Internal Server Error', 'Try again in a minute'],
  [503, 'Service Unavailable', 'Try again in a minute'],
  [301, 'Moved Permanently, it is at https://elsewhere/', 'redirects are not followed'],
  [302, 'Found, it is at https://elsewhere/', 'redirects are not followed'],
] as const)(
  'a page of a gateway is said with its status, and no port is blamed: %i',
  { timeout: 30_000 },
  async ([status, words, hint]) => {
    const url = await listening((_, response) => {
      response.writeHead(
        status,
        status < 400 ? { location: 'https://elsewhere/?token=1&query=SELECT+1#2' } : {},
      )
      response.end('<html>a page</html>')
    })
    const error: unknown = await openServer(connectionTo(url)).catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({
      kind: 'server',
      message: `something before ClickHouse (target ${url}) answered while connecting: HTTP ${status} ${words}`,
      hint: expect.stringContaining(hint),
    })
  },
)

test.for([
  ['certificate has expired', 'not valid today', 'clock'],
  ['certificate is not yet valid', 'not valid today', 'clock'],
  ["Hostname/IP does not match certificate's altnames: x", 'for another name', 'name'],
  ['SSL alert number 116: tlsv13 alert certificate required', 'who has a certificate', '_CERT_FILE'],
  ['ssl3_get_record:wrong version number', 'does not speak TLS', 'http'],
  ['self-signed certificate in certificate chain', 'not signed by a known authority', '_CA_FILE'],
])('a fault of TLS is said as such: %s', ([words, message, hint]) => {
  const place = { connection: connectionTo('https://db'), doing: undefined }
  const error = serverError(new Error(words), place)
  expect(error.message).toContain(message)
  expect(error.hint).toContain(hint)
  expect(error.hint).not.toContain('that the server is up')
})

test('HTTP_PROXY counts, NO_PROXY is heeded, and loopback is reached without', async () => {
  const heard: string[] = []
  const proxy = await listening((request, response) => {
    heard.push(new URL(request.url!).host)
    response.end('{"data":[{"n":1}]}')
  })
  onTestFinished(() => void vi.unstubAllEnvs())
  vi.stubEnv('HTTP_PROXY', proxy)
  vi.stubEnv('NO_PROXY', 'direct.invalid')
  expect(await ask('http://clickhouse.invalid:8123')).toEqual([{ n: 1 }])
  expect(heard).toEqual(['clickhouse.invalid:8123'])
  await expect(ask('http://direct.invalid:8123')).rejects.toThrow('ENOTFOUND')
  const direct = await listening((_, response) => void response.end('{"data":[{"n":2}]}'))
  expect(await ask(direct)).toEqual([{ n: 2 }])
})

test.for([198, 243, 285, 286, 439, 473, 499, 745])('the error %i of ClickHouse passes', (code) => {
  expect(retryDecision('failed', code)).toBe('retry')
})

test('an address of a host that is far away has two and a half seconds before the next one is tried', () => {
  for (const url of ['http://db:8123', 'https://db:8443'])
    expect(agentFor({ url })).toMatchObject({ options: { autoSelectFamilyAttemptTimeout: 2500 } })
})

test.for([
  ['<html>Please sign in</html>', 'the answer is a page, and is none of ClickHouse'],
  ['', 'the answer has no X-ClickHouse-Summary: it is none of ClickHouse, or a proxy drops its headers'],
] as const)(
  '%j with status 200, from something before the server, is no answer to a statement',
  async ([body, words]) => {
    const url = await listening((_, response) => response.end(body))
    await expect(clientOf(url).command({ query: 'EXCHANGE TABLES a AND b' })).rejects.toMatchObject({
      kind: 'server',
      message: expect.stringContaining(words),
    })
  },
)

test('an answer that is none of ClickHouse is said to come from something before it, which can be reached', async () => {
  const url = await listening((_, response) => response.end('<html>Please sign in</html>'))
  await expect(ask(url)).rejects.toMatchObject({
    message: expect.stringContaining('something before ClickHouse ('),
    hint: expect.stringContaining(`curl -i '${url}/?query=SELECT+1' shows what answers`),
  })
})

test('a login in the address of a redirect is not shown', async () => {
  const url = await listening((_, response) => {
    response.writeHead(307, { location: 'https://ann:secret@pw@else.example/x?token=1' }).end()
  })
  await expect(ask(url)).rejects.toThrow('it is at https://***@else.example/x')
})
