// Owns a cluster that looks as if it had Replicated tables and a queue for ON CLUSTER, over two embedded servers and a real
// ZooKeeper: a proxy runs such statements on both servers, without what the engine lacks. All else goes to the first.
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { TestServer } from './server.ts'
import { type Shards, startShards, withoutKeeper } from './shards.ts'
import { startZookeeper } from './zookeeper.ts'

export type StubTable = { readonly nodes: Shards; stop(): Promise<void> }

export async function startStandIn(): Promise<StubTable> {
  const zookeeper = await startZookeeper()
  const shards = await startShards(
    (shard) => `<zookeeper>
        <node><host>127.0.0.1</host><port>${zookeeper.port}</port></node>
        <sessions_path>/sessions/${shard}</sessions_path>
      </zookeeper>
      <keeper_map_path_prefix>/keeper_map</keeper_map_path_prefix>`,
  )
  const proxy = createServer((request, response) => {
    answer(shards, request)
      .then(({ status, headers, body }) => response.writeHead(status, headers).end(body))
      .catch(() => response.destroy())
  })
  proxy.requestTimeout = 0
  await new Promise<void>((listening) => proxy.listen(0, '127.0.0.1', listening))
  const url = `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`
  const node: TestServer = { ...shards[0], url, stop: async () => {} }
  return {
    nodes: [node, node],
    stop: async () => {
      proxy.closeAllConnections()
      proxy.close()
      await Promise.all(shards.map((server) => server.stop()))
      await zookeeper.stop()
    },
  }
}

type Answer = { readonly status: number; readonly headers: Record<string, string>; readonly body: Buffer }

async function answer(shards: Shards, request: IncomingMessage): Promise<Answer> {
  const pieces: Buffer[] = []
  for await (const work of request) pieces.push(work as Buffer)
  const body = Buffer.concat(pieces)
  const statement = body.toString('utf8')
  const { searchParams } = new URL(request.url ?? '/', 'http://proxy')
  // What openCluster() asks: whether there is Keeper, and whether the ledger is on all nodes.
  if (statement.startsWith('EXISTS TABLE system.zookeeper')) return says({ result: 1 })
  if (
    statement.startsWith('select `engine` from `system`.`tables`') &&
    searchParams.get('param_p1') === 'ledger'
  )
    return says({ engine: 'ReplicatedMergeTree' })
  const queued = statement.includes(" ON CLUSTER '{cluster}'")
  const sent = queued ? Buffer.from(withoutKeeper(statement)) : body
  const answers = await Promise.all(
    (queued ? shards : shards.slice(0, 1)).map((server) => passOn(server, request, sent)),
  )
  return answers.find(({ status }) => status !== 200) ?? answers[0]!
}

function says(row: object): Answer {
  return { status: 200, headers: {}, body: Buffer.from(`${JSON.stringify(row)}\n`) }
}

async function passOn(server: TestServer, request: IncomingMessage, body: Buffer): Promise<Answer> {
  const { authorization, ...rest } = request.headers
  const response = await fetch(`${server.url}${request.url}`, {
    method: 'POST',
    body: new Uint8Array(body),
    headers: Object.fromEntries(
      Object.entries({ ...rest, authorization }).filter(
        (one): one is [string, string] =>
          typeof one[1] === 'string' && /^(authorization|x-clickhouse-.*|user-agent)$/.test(one[0]),
      ),
    ),
  })
  const headers = Object.fromEntries(
    [...response.headers].filter(([name]) => name.startsWith('x-clickhouse') || name === 'content-type'),
  )
  return { status: response.status, headers, body: Buffer.from(await response.arrayBuffer()) }
}
