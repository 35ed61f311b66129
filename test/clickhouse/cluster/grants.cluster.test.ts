// Owns the grants of docs/how-to/clusters.md: a user with them can do all, and each of them is needed.
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { readCatalogue } from '../../../src/project/sql-folder.ts'
import { backfillHere, environmentFor } from '../../support/cli.ts'
import { MISSING_CLUSTER, type RealCluster, startRealCluster } from '../../support/real-cluster.ts'
import { uniqueDatabase } from '../../support/server.ts'
import { CLUSTER } from '../../support/shards.ts'
import { addBlocks, createSourceTables } from '../../support/small-chain.ts'
import { SQL_FOLDER } from '../../support/workspace.ts'

if (MISSING_CLUSTER) console.warn(MISSING_CLUSTER)

const TABLE = 'address_diffs'
const SOURCE = uniqueDatabase('source')

/** For `up`, `redo` and `rebuild`; `target`, `ledger`, `locks`: the databases. */
const NEEDED = [
  'CREATE DATABASE ON target.*',
  'CREATE TABLE ON target.*',
  'SELECT ON target.*',
  'INSERT ON target.*',
  'ALTER DELETE ON target.*',
  'DROP TABLE ON target.*',
  'CREATE DATABASE ON ledger.*',
  'CREATE TABLE ON ledger.*',
  'SELECT ON ledger.*',
  'INSERT ON ledger.*',
  'CREATE DATABASE ON locks.*',
  'CREATE TABLE ON locks.*',
  'SELECT ON locks.*',
  'INSERT ON locks.*',
  'ALTER DELETE ON locks.*',
  'TABLE ENGINE ON KeeperMap',
  'TABLE ENGINE ON ReplicatedMergeTree',
  'TABLE ENGINE ON ReplicatedReplacingMergeTree',
  'CLUSTER ON *.*',
  'REMOTE ON *.*',
  'SELECT ON system.mutations',
  'SELECT ON system.tables',
  'SELECT ON system.clusters',
  'SELECT ON system.macros',
  'SELECT ON system.zookeeper_connection',
  'SELECT ON system.replicas',
  'SHOW TABLES ON system.zookeeper',
]

const databasesOf = (name: string) => ({ source: SOURCE, target: `target_${name}`, ledger: `ledger_${name}` })

/** Databases are its own, so that it has to create everything. */
function userXml(name: string, grants: readonly string[]): string {
  const { target, ledger } = databasesOf(name)
  const own = grants.map((grant) =>
    grant
      .replace(/\btarget\./, `${target}.`)
      .replace(/\bledger\./, `${ledger}.`)
      .replace(/\blocks\./, `${ledger}_locks.`),
  )
  const queries = [...own, `SELECT ON ${SOURCE}.*`].map((grant) => `<query>GRANT ${grant}</query>`)
  return `<${name}><password>${name}</password><profile>default</profile><quota>default</quota>
    <grants>${queries.join('')}</grants></${name}>`
}

describe.skipIf(MISSING_CLUSTER)('the grants of a cluster with Keeper', () => {
  let cluster: RealCluster
  beforeAll(async () => {
    const lacking = NEEDED.map((grant, at) =>
      userXml(
        `but_${at}`,
        NEEDED.filter((one) => one !== grant),
      ),
    )
    cluster = await startRealCluster({ users: [userXml('least', NEEDED), ...lacking].join('') })
    const node = cluster.nodes[0]!
    await createSourceTables(node, await readCatalogue(SQL_FOLDER), SOURCE)
    await addBlocks(node, SOURCE, { from: 1, to: 20 })
  })
  afterAll(() => cluster?.stop())

  /** What `up`, `up` again, `redo` and `rebuild` say on stderr, until one of them fails. */
  async function tryAll(name: string): Promise<{ readonly code: number | null; readonly stderr: string }> {
    const { url } = cluster.nodes[0]!
    const env = environmentFor({ url, username: name, password: name }, databasesOf(name))
    const flags = ['--cluster', CLUSTER, '--lag', '0']
    let said = ''
    for (const words of [
      ['up', '--tables', TABLE, '--to', '10', '--give-up', '1s'],
      ['up', '--tables', TABLE, '--give-up', '1s'],
      ['redo', TABLE, '--from', '3', '--to', '4', '--yes', '--give-up', '1s'],
      ['rebuild', TABLE, '--drop-old', '--yes', '--give-up', '1s'],
    ]) {
      const { code, stderr } = await backfillHere([...words, ...flags], { env })
      said += stderr
      if (code !== 0) return { code, stderr: said }
    }
    return { code: 0, stderr: said }
  }

  test('with them `up` creates everything, `redo` deletes, and `rebuild` exchanges', async () => {
    const { code, stderr } = await tryAll('least')
    expect(stderr).not.toContain('GRANT')
    expect(code).toBe(0)
  })

  test.each(NEEDED.map((grant, at) => [grant, at] as const))(
    'without %s something fails, and the message has a GRANT',
    async (_, at) => {
      const { code, stderr } = await tryAll(`but_${at}`)
      expect(code).toBeGreaterThan(0)
      // ClickHouse names some of them otherwise: READ ON REMOTE.
      expect(stderr).toMatch(/^ {2}GRANT [A-Z, ]+ ON /m)
    },
  )
})
