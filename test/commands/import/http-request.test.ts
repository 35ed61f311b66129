// Owns the promises about the way to the public files: proxies of the environment, and where a redirect may lead.
import { readFileSync } from 'node:fs'
import { createServer, type RequestListener } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo, Server } from 'node:net'
import { join } from 'node:path'
import { expect, onTestFinished, test, vi } from 'vitest'
import { requestFile, openWeb } from '../../../src/commands/import/files/web-files.ts'
import { repository } from '../../support/processes.ts'

async function listening(server: Server & { closeAllConnections(): void }): Promise<number> {
  await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready))
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  return (server.address() as AddressInfo).port
}

const redirecting =
  (location: string): RequestListener =>
  (_, response) =>
    void response.writeHead(302, { location }).end()

const { signal } = new AbortController()
const asked = () => ({ method: 'HEAD' as const, stallMs: 5_000, signal, agents: new Map() })

test('downloads go through HTTP_PROXY, and past it where NO_PROXY says so', async () => {
  const heard: string[] = []
  const port = await listening(
    createServer((request, response) => {
      heard.push(request.url!)
      response.writeHead(200, { 'content-length': '7', etag: 'a' }).end()
    }),
  )
  onTestFinished(() => void vi.unstubAllEnvs())
  vi.stubEnv('HTTP_PROXY', `http://127.0.0.1:${port}`)
  vi.stubEnv('NO_PROXY', 'direct.invalid')
  const files = await openWeb({
    baseUrl: 'http://files.invalid/xatu',
    network: 'sepolia',
    stallMs: 5_000,
    signal,
  })
  expect(await files.look({ table: 't', first: 1000 })).toMatchObject({ bytes: 7 })
  expect(heard).toEqual([
    'http://files.invalid/xatu',
    'http://files.invalid/xatu/sepolia/databases/default/t/1000/1000.parquet',
  ])
  await expect(requestFile('http://direct.invalid/x', asked())).rejects.toThrow('ENOTFOUND')
})

test('a redirect from https to http is refused, and so is one to another protocol', async () => {
  const folder = join(repository, 'test/fixtures/tls')
  const [key, cert] = ['server.key', 'server.pem'].map((name) => readFileSync(join(folder, name)))
  onTestFinished(() => void vi.unstubAllEnvs())
  vi.stubEnv('NODE_TLS_REJECT_UNAUTHORIZED', '0')
  const secret = await listening(createTlsServer({ key, cert }, redirecting('http://127.0.0.1:1/elsewhere')))
  await expect(requestFile(`https://127.0.0.1:${secret}/x`, asked())).rejects.toThrow(
    'it redirects from https:// to http://',
  )
  const plain = await listening(createServer(redirecting('file:///etc/passwd')))
  await expect(requestFile(`http://127.0.0.1:${plain}/x`, asked())).rejects.toThrow(
    'it redirects from http:// to file://',
  )
})
