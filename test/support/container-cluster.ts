// Owns a cluster of two servers in containers, as people run it: one a shard, Keeper in the first, Replicated tables and
// ON CLUSTER. Only where a container engine answers: BACKFILL_TEST_IMAGE names the server's image (test/servers.ts).
import { randomBytes } from 'node:crypto'
import { clickhouseContainer, type TestServer, testServerIn } from './server.ts'
import { CLUSTER } from './shards.ts'

export type ContainerCluster = { readonly nodes: readonly [TestServer, TestServer]; stop(): Promise<void> }

const HOSTS = ['node1', 'node2'] as const

export async function startContainerCluster(image: string): Promise<ContainerCluster> {
  const { Network, Wait } = await import('testcontainers')
  const network = await new Network().start()
  const secret = randomBytes(12).toString('hex')
  const password = randomBytes(12).toString('hex')
  const start = async (host: (typeof HOSTS)[number]): Promise<TestServer> => {
    const container = await clickhouseContainer(image, configOf(host, secret))
    container
      .withPassword(password) // of all nodes, as behind a load balancer
      .withNetwork(network)
      .withNetworkAliases(host)
      .withHostname(host)
      .withWaitStrategy(Wait.forHttp('/ping', 8123))
    return testServerIn(await container.start())
  }
  // The first has Keeper, which the second looks for when it starts.
  const nodes = [await start('node1'), await start('node2')] as const
  return {
    nodes,
    stop: async () => {
      await Promise.all(nodes.map((node) => node.stop()))
      await network.stop()
    },
  }
}

function configOf(host: (typeof HOSTS)[number], secret: string): string {
  const shards = HOSTS.map(
    (name) =>
      `<shard><internal_replication>true</internal_replication><replica><host>${name}</host><port>9000</port></replica></shard>`,
  )
  const keeper = `<keeper_server>
      <tcp_port>9181</tcp_port>
      <server_id>1</server_id>
      <log_storage_path>/var/lib/clickhouse/coordination/log</log_storage_path>
      <snapshot_storage_path>/var/lib/clickhouse/coordination/snapshots</snapshot_storage_path>
      <raft_configuration><server><id>1</id><hostname>node1</hostname><port>9234</port></server></raft_configuration>
    </keeper_server>`
  return `<clickhouse>
    <max_server_memory_usage>3000000000</max_server_memory_usage>
    <query_log><flush_interval_milliseconds>500</flush_interval_milliseconds></query_log>
    <remote_servers><${CLUSTER}><secret>${secret}</secret>${shards.join('')}</${CLUSTER}></remote_servers>
    <zookeeper><node><host>node1</host><port>9181</port></node></zookeeper>
    <distributed_ddl><path>/clickhouse/task_queue/ddl</path></distributed_ddl>
    <keeper_map_path_prefix>/keeper_map</keeper_map_path_prefix>
    <interserver_http_host>${host}</interserver_http_host>
    <macros>
      <installation>test</installation>
      <cluster>${CLUSTER}</cluster>
      <shard>${HOSTS.indexOf(host) + 1}</shard>
      <replica>one</replica>
    </macros>
    ${host === 'node1' ? keeper : ''}
  </clickhouse>`
}
