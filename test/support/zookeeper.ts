// Owns a ZooKeeper for tests: Debian's packages `zookeeper` and a Java, where they are installed. To ClickHouse it is Keeper.
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { freePorts } from './shards.ts'

const LIBRARY = '/usr/share/java/zookeeper.jar'

/** Undefined where it is there; else why the tests that need it are skipped. */
export const MISSING_ZOOKEEPER = existsSync(LIBRARY)
  ? undefined
  : `skipped: ${LIBRARY} is absent (apt-get install zookeeper)`

export type Zookeeper = { readonly port: number; stop(): Promise<void> }

export async function startZookeeper(): Promise<Zookeeper> {
  const directory = await mkdtemp(join(tmpdir(), 'backfill-zookeeper-'))
  const [port = 0] = await freePorts(1)
  const config = join(directory, 'zoo.cfg')
  await writeFile(
    config,
    `tickTime=2000\ndataDir=${directory}\nclientPort=${port}\nclientPortAddress=127.0.0.1\nadmin.enableServer=false\n`,
  )
  const main = 'org.apache.zookeeper.server.ZooKeeperServerMain'
  // It ends when our end of the pipe does, however this process ends.
  const java = ['java', '-Xmx256m', '-cp', LIBRARY, main, config]
  const child = spawn('sh', ['-c', '"$@" & cat > /dev/null; kill -9 $!', 'sh', ...java], {
    stdio: ['pipe', 'ignore', 'ignore'],
  })
  const ended = new Promise<void>((done) => child.once('close', () => done()))
  const answers = () =>
    new Promise<boolean>((answer) => {
      const socket = connect(port, '127.0.0.1', () => answer(true))
      socket.on('error', () => answer(false)).on('connect', () => socket.end())
    })
  while (child.exitCode === null && !(await answers())) await sleep(50)
  return {
    port,
    stop: async () => {
      child.stdin.end()
      await ended
      await rm(directory, { recursive: true, force: true })
    },
  }
}
