// Owns a cluster as people run it, on loopback: shards of replicas with Keeper, Replicated tables and ON CLUSTER. It is
// started by ../shared/cluster, which is not part of the repository; ZooKeeper stands in for Keeper.
import { execFile, execFileSync, spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { closeSync, existsSync, openSync, readFileSync, readSync } from 'node:fs'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { findEngineLibrary } from '../../src/embedded/embedded-server.ts'
import { repository } from './processes.ts'
import type { TestServer } from './server.ts'
import { CLUSTER } from './shards.ts'

const SCRIPT = resolve(repository, '../shared/cluster/cluster.py')
const ZOOKEEPER = '/usr/share/java/zookeeper.jar'

/** Undefined where it can be started; else why the tests that need it are skipped. */
export const MISSING_CLUSTER = missing()

function missing(): string | undefined {
  if (!existsSync(SCRIPT)) return `skipped: ${SCRIPT} is absent`
  if (!existsSync(ZOOKEEPER)) return `skipped: ${ZOOKEEPER} is absent (apt-get install libzookeeper-java)`
  for (const program of ['python3', 'java'])
    try {
      execFileSync('which', [program], { stdio: 'ignore' })
    } catch {
      return `skipped: there is no ${program}`
    }
  const known = JSON.parse(readFileSync(join(dirname(SCRIPT), 'offsets.json'), 'utf8')) as object
  return Object.hasOwn(known, buildOf(findEngineLibrary()))
    ? undefined
    : `skipped: ${SCRIPT} does not know this build of the embedded engine`
}

/** The engine's build id, where offsets.json says that it is. */
function buildOf(library: string): string {
  const file = openSync(library, 'r')
  const bytes = Buffer.alloc(20)
  readSync(file, bytes, 0, bytes.length, 0x2b8)
  closeSync(file)
  return bytes.toString('hex')
}

export type RealCluster = {
  /** By shard, then by replica: s1r1, s1r2, s2r1, … */
  readonly nodes: readonly TestServer[]
  /** Ends, halts or resumes one of it: `s2r1`, or `zookeeper`. */
  signal(name: string, signal: 'KILL' | 'STOP' | 'CONT'): Promise<void>
  /** Starts one again that was killed; it answers then. Each `other` holds for this start alone. */
  restart(
    name: string,
    other?: {
      /** For the profile of all its users, as elements. */
      readonly settings?: string
      readonly zone?: string
      /** Of the last shard, as this node knows it. */
      readonly weight?: number
      /** Its macro {installation}. */
      readonly installation?: string
      /** Another text for its users.xml. */
      readonly users?: (text: string) => string
      /** The last shard stands before the others. */
      readonly isSwapped?: boolean
    },
  ): Promise<void>
  /** Ends a node, and empties its disk, as where a machine is replaced; `restart` starts the new one. */
  loseDisk(name: string): Promise<void>
  /** Takes a node and all below it from Keeper, as where it was restored from an older backup. */
  loseInKeeper(path: string): Promise<void>
  stop(): Promise<void>
}

type Layout = {
  readonly user: string
  readonly password: string
  readonly nodes: Readonly<Record<string, { readonly http: number }>>
}

/** @param users elements of `users`, on every node; `twice`: the same nodes as another cluster, in which the first stands twice; `isUneven`: the last replica is in no list */
export async function startRealCluster({
  shards = 2,
  replicas = 1,
  users = '',
  twice = '',
  isUneven = false,
} = {}): Promise<RealCluster> {
  const home = await mkdtemp(join(tmpdir(), 'backfill-cluster-'))
  const env: NodeJS.ProcessEnv = { ...process.env, CHDB_LIBCHDB_PATH: findEngineLibrary() }
  const python = (...words: readonly string[]) => promisify(execFile)('python3', words, { env })
  const layOut = `import sys; sys.path.insert(0, ${JSON.stringify(dirname(SCRIPT))}); import cluster
cluster.lay_out(${JSON.stringify(home)}, ${shards}, ${replicas}, ${JSON.stringify(CLUSTER)})`
  await python('-c', layOut)
  const { nodes, user, password } = JSON.parse(await readFile(join(home, 'cluster.json'), 'utf8')) as Layout
  for (const name of Object.keys(nodes)) {
    const file = join(home, name, 'users.xml')
    await writeFile(file, (await readFile(file, 'utf8')).replace('</users>', `${users}</users>`))
    const config = join(home, name, 'config.xml')
    const own = await readFile(config, 'utf8')
    if (isUneven)
      await writeFile(config, own.replace(/(.*)<replica>.*?<\/replica>(?=.*<\/remote_servers>)/s, '$1'))
    if (twice === '') continue
    const [, shown = ''] = new RegExp(`<${CLUSTER}>(.*)</${CLUSTER}>`, 's').exec(own) ?? []
    // Before their own, whose last shard `restart` changes.
    const other = shown
      .replace(/<replica>.*?<\/replica>/s, '$&$&')
      .replaceAll(/<internal_replication>.*?<\/internal_replication>/gs, '')
    await writeFile(config, own.replace('<remote_servers>', `<remote_servers><${twice}>${other}</${twice}>`))
  }
  // It ends, with all that it has started, when our end of the pipe does, however this process ends.
  const child = spawn('python3', [SCRIPT, 'hold', home], { env, stdio: ['pipe', 'pipe', 'inherit'] })
  const ended = new Promise<void>((done) => child.once('close', () => done()))
  await new Promise<void>((ready, failed) => {
    child.stdout.once('data', () => ready())
    void ended.then(() => failed(new Error('the cluster did not start')))
  })
  /** The first config.xml of each node that was started in another way. */
  const layouts: Record<string, string> = {}
  return {
    nodes: Object.values(nodes).map(({ http }) => ({
      url: `http://127.0.0.1:${http}`,
      username: user,
      password,
      stop: async () => {},
    })),
    signal: async (name, signal) => void (await python(SCRIPT, 'kill', home, name, signal)),
    async restart(name, other) {
      if (other !== undefined) {
        const [file, profile] = [join(home, name, 'users.xml'), /<default\/>|<default>.*?<\/default>/]
        const present = await readFile(file, 'utf8')
        const { settings = '', users: ofNode = (text: string) => text } = other
        await writeFile(file, ofNode(present.replace(profile, `<default>${settings}</default>`)))
        const config = join(home, name, 'config.xml')
        const weightless = (await readFile(config, 'utf8')).replaceAll(/<weight>\d+<\/weight>/g, '')
        const weight = `<weight>${other.weight ?? 1}</weight>`
        layouts[name] ??= weightless
        const weighted = layouts[name].replace(/(.*<shard>)/s, `$1${weight}`)
        const swapped = weighted.replace(
          /(<shard><(?:internal|weight).*)(<shard><(?:internal|weight).*<\/shard>)/s,
          '$2$1',
        )
        const installation = `<installation>${other.installation ?? 'main'}</installation>`
        const layout = other.isSwapped ? swapped : weighted
        await writeFile(config, layout.replace('<installation>main</installation>', installation))
        if (other.zone !== undefined) env['TZ'] = other.zone
      }
      await python(SCRIPT, 'run', home, name)
      delete env['TZ']
    },
    async loseDisk(name) {
      await python(SCRIPT, 'kill', home, name, 'KILL')
      const data = join(home, name, 'data')
      await rm(data, { recursive: true })
      // What ../shared/cluster lays out: the system database of a new server.
      await mkdir(join(data, 'metadata'), { recursive: true })
      await writeFile(
        join(data, 'metadata/system.sql'),
        `ATTACH DATABASE _ UUID '${randomUUID()}'\nENGINE = Atomic\n`,
      )
    },
    loseInKeeper: async (path) => {
      const words = `['java', '-cp', cluster.ZOOKEEPER, 'org.apache.zookeeper.ZooKeeperMain', '-server', f"127.0.0.1:{k['zookeeper']['port']}", 'deleteall', ${JSON.stringify(path)}]`
      await python(
        '-c',
        `import subprocess, sys; sys.path.insert(0, ${JSON.stringify(dirname(SCRIPT))}); import cluster
k = cluster.load(${JSON.stringify(home)}); subprocess.run(${words}, check=True)`,
      )
    },
    stop: async () => {
      child.stdin.end()
      await ended
      await rm(home, { recursive: true, force: true })
    },
  }
}
