// Owns the promise that nothing is written where a node of the cluster reads the same SQL in another way, or knows other shards.
import { describe, expect, test } from 'vitest'
import { assertAlikeNodes } from '../../../src/clickhouse/cluster/odd-nodes.ts'
import { connect } from '../../support/clickhouse.ts'
import { MISSING_CLUSTER, type RealCluster } from '../../support/real-cluster.ts'
import { CLUSTER } from '../../support/shards.ts'
import { rowsOf } from '../../support/server.ts'
import { useTwoShards } from '../../support/two-shards.ts'

if (MISSING_CLUSTER) console.warn(MISSING_CLUSTER)

const PER_BLOCK = 'block_slots_stat'

const ALL = '<grants><query>GRANT ALL ON *.*</query></grants>'
const BOB = `<bob><password>bob</password><profile>default</profile><quota>default</quota>${ALL}</bob>`

describe.skipIf(MISSING_CLUSTER)('nodes that differ', () => {
  const scene = useTwoShards({ twice: 'twice', users: BOB })
  const { run } = scene

  test('a node that a cluster lists twice has one place in it', async () => {
    const server = await connect(scene.first)
    const places =
      'SELECT _shard_num AS place, tcpPort() AS port FROM clusterAllReplicas(twice, view(SELECT 1))'
    expect(await rowsOf(scene.first, places)).toHaveLength(2)
    await expect(assertAlikeNodes(server, 'twice')).resolves.toBeUndefined()
    await server.close()
  })

  test('a node whose constraint keeps a setting that is sent is named, and so are nodes that know other weights of the shards', async () => {
    expect(await run(`up --tables ${PER_BLOCK} --to 10`)).toMatchObject({ code: 0 })
    const changed = async (other: Parameters<RealCluster['restart']>[1]) => {
      await scene.cluster.signal('s2r1', 'KILL')
      await scene.cluster.restart('s2r1', other)
      const { code, stderr } = await run(`up --tables ${PER_BLOCK} --to 12`)
      return { code, stderr }
    }
    const kept = `<read_overflow_mode>break</read_overflow_mode><constraints><read_overflow_mode><readonly/></read_overflow_mode></constraints>`
    expect(await changed({ settings: kept })).toEqual({
      code: 2,
      stderr: expect.stringMatching(
        /the profile of the node \S+ .* has a constraint, or readonly, that keeps read_overflow_mode = 'break'/,
      ),
    })
    expect(await changed({ weight: 9 })).toEqual({
      code: 2,
      stderr: expect.stringMatching(/have other shards or weights for it \(shard, weight: .*\(2,9\)/),
    })
    expect(await changed({ isSwapped: true })).toEqual({
      code: 2,
      stderr: expect.stringContaining('sees itself in shard 1, and the connected node has it in shard 2'),
    })
    // Only what is written there minds it.
    const writing = '<constraints><async_insert><readonly/></async_insert></constraints>'
    expect(await changed({ settings: `<async_insert>1</async_insert>${writing}` })).toEqual({
      code: 2,
      stderr: expect.stringContaining('that keeps async_insert'),
    })
    const server = await connect(scene.first)
    const reader = { ...server, connection: { ...server.connection, side: 'source' as const } }
    await expect(assertAlikeNodes(server, CLUSTER)).rejects.toThrow('that keeps async_insert')
    await expect(assertAlikeNodes(reader, CLUSTER)).resolves.toBeUndefined()
    await server.close()
    expect(await changed({})).toMatchObject({ code: 0 })
  })

  test('a node that refuses the user, or its right, is named, with what to type for all nodes', async () => {
    const bob = { ...scene.first, username: 'bob', password: 'bob' }
    const up = () => run(`up --tables ${PER_BLOCK} --give-up 1s`, bob)
    const restart = async (users: (text: string) => string) => {
      await scene.cluster.signal('s2r1', 'KILL')
      await scene.cluster.restart('s2r1', { users })
    }
    await restart((text) => text.replace(BOB, ''))
    for (const words of ['status', `up --tables ${PER_BLOCK} --give-up 1s`])
      expect(await run(words, bob)).toMatchObject({
        code: 6,
        stderr: expect.stringMatching(
          new RegExp(
            `replica 1 of shard 2 \\(.*\\) of the cluster '${CLUSTER}' ends each connection of user 'bob'\n.*CREATE USER IF NOT EXISTS bob ON CLUSTER '${CLUSTER}'`,
          ),
        ),
      })
    expect((await run('doctor', bob)).stdout).toMatch(/ ok, 1 failure$/m)
    const few = ALL.replace('ALL', 'SHOW, REMOTE, CLUSTER')
    await restart((text) => text.replace('</users>', `${BOB.replace(ALL, few)}</users>`))
    expect((await up()).stderr).toMatch(
      new RegExp(`, says node \\S+ \\(code 497\\)\n {2}GRANT SELECT ON \\S+ TO bob ON CLUSTER '${CLUSTER}'`),
    )
    await restart((text) => text.replace(few, ALL))
    expect(await up()).toMatchObject({ code: 0 })
  })

  test('a node that reads the same SQL in another way is named, and nothing is written until it does not, or is accepted', async () => {
    expect(await run(`up --tables ${PER_BLOCK} --to 10`)).toMatchObject({ code: 0 })
    const differs = async (
      to: number,
      other: Parameters<RealCluster['restart']>[1],
      what: string,
      setting: string,
    ) => {
      await scene.cluster.signal('s2r1', 'KILL')
      await scene.cluster.restart('s2r1', other)
      for (const node of [scene.first, scene.second]) {
        const { code, stderr } = await run(`up --tables ${PER_BLOCK} --to ${to}`, node)
        // What the connected node's profile changes is set back on all nodes.
        const isSetBack = node === scene.second && other?.settings !== undefined
        if (isSetBack) expect(code).toBe(0)
        else
          expect({ code, stderr }).toEqual({
            code: 2,
            stderr: expect.stringMatching(`${what}[^]*--accept-setting ${setting}`),
          })
      }
      const { stdout } = await run('doctor')
      expect(stdout).toMatch(what)
      const taken = await run(`redo ${PER_BLOCK} --from 1 --to 3 --yes --accept-setting ${setting}`)
      expect(taken).toMatchObject({ code: 0 })
    }
    const name = 'do_not_merge_across_partitions_select_final'
    await differs(12, { settings: `<${name}>1</${name}>` }, `${name} = '1'`, name)
    await differs(14, { zone: 'America/New_York' }, 'has the time zone', 'session_timezone')
  })
})
