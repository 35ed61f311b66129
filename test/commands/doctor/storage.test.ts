// Owns the edges of doctor's judgement of disks, parts, mutations, merges and clusters.
import { expect, test } from 'vitest'
import { evaluateCluster } from '../../../src/commands/doctor/checks/cluster.ts'
import type { Diagnosis } from '../../../src/commands/doctor/checks/finding.ts'
import { evaluateStorage, type StorageFacts } from '../../../src/commands/doctor/checks/storage.ts'

const short = (found: readonly Diagnosis[]) => found.map(({ check, verdict }) => `${verdict} ${check}`)
const of = (check: string, found: readonly Diagnosis[]) => found.filter((one) => one.check === check)
const refused = { refused: { sentence: 'no', hint: 'GRANT SELECT ON system.disks TO me' } }

const GIB = 1024 ** 3
const PARTITION = {
  host: '',
  database: 'd',
  table: 't',
  partitionId: '1',
  parts: 1,
  bytes: 5 * GIB,
  unmerged: 0,
  quietSeconds: 0,
}
const HEALTHY = {
  disks: { got: [{ name: 'default', free: 500 * GIB, total: 1000 * GIB, broken: false }] },
  partitions: { got: [PARTITION] },
  mutations: { got: [] },
  merging: { got: [] },
  limits: { got: new Map([['d.t', { delay: 1000, refuse: 3000 }]]) },
} satisfies StorageFacts
const storage = (changes: Partial<StorageFacts>) => evaluateStorage('target', { ...HEALTHY, ...changes })
const disk = (free: number, total = 1000 * GIB, broken = false) =>
  of('disk', storage({ disks: { got: [{ name: 'default', free, total, broken }] } }))[0]
const parts = (count: number, bytes = GIB) =>
  of('parts', storage({ partitions: { got: [{ ...PARTITION, parts: count, bytes }] } }))[0]

test('a disk is judged by what is free against its size and that of the biggest table', () => {
  expect(disk(50 * GIB)?.verdict).toBe('ok')
  expect(disk(50 * GIB - 1)).toMatchObject({ verdict: 'warn', found: expect.stringContaining('a twentieth') })
  expect(disk(5 * GIB - 1)).toMatchObject({
    verdict: 'warn',
    found: expect.stringContaining('less than d.t has (5.0 GiB)'),
  })
  expect(disk(GIB - 1)?.verdict).toBe('fail')
  expect(disk(GIB - 1, 10 * GIB)?.verdict).toBe('warn')
  expect(disk(500 * GIB, 1000 * GIB, true)?.verdict).toBe('fail')
})

test('parts are judged against the limits of their table, and big ones are let be', () => {
  expect(parts(799)?.verdict).toBe('ok')
  expect(parts(800)).toMatchObject({ verdict: 'warn', hint: "OPTIMIZE TABLE d.t PARTITION ID '1'" })
  expect(parts(1000)).toMatchObject({ verdict: 'warn', found: expect.stringContaining('are slowed down') })
  expect(parts(3000)).toMatchObject({ verdict: 'fail', found: expect.stringContaining('are refused') })
  expect(parts(3000, 3000 * GIB)?.verdict).toBe('ok')
})

const MUTATION = { host: '', database: 'd', table: 't', id: 'mutation_7.txt', seconds: 5, failure: '' }
const mutating = (change: Partial<typeof MUTATION>, merging: readonly string[] = []) =>
  short(storage({ mutations: { got: [{ ...MUTATION, ...change }] }, merging: { got: merging } })).filter(
    (line) => /mutations|merges/.test(line),
  )

test('a mutation waits, works, takes long or fails', () => {
  expect(mutating({ seconds: 4 })).toEqual(['ok mutations', 'ok merges'])
  expect(mutating({})).toEqual(['ok mutations', 'fail merges'])
  expect(mutating({}, ['d.t'])).toEqual(['ok mutations', 'ok merges'])
  expect(mutating({ seconds: 3600 }, ['d.t'])).toEqual(['warn mutations', 'ok merges'])
  expect(mutating({ failure: 'Code: 395' })).toEqual(['fail mutations', 'ok merges'])
})

const piled = (change: Partial<typeof PARTITION>, merging: readonly string[] = []) =>
  of(
    'merges',
    storage({
      partitions: { got: [{ ...PARTITION, unmerged: 20, quietSeconds: 60, ...change }] },
      merging: { got: merging },
    }),
  )[0]

test('on a cluster the line names the server, and so does what to type', () => {
  const found = of('merges', storage({ mutations: { got: [{ ...MUTATION, host: 'b:9000' }] } }))[0]
  expect(found?.found).toContain('nothing works on mutation_7.txt of d.t on b:9000')
  expect(found?.hint).toBe('SYSTEM START MERGES d.t -- on b:9000')
})

test('many parts that nobody merges for a minute look like stopped merges', () => {
  expect(piled({})).toMatchObject({ verdict: 'warn', hint: 'SYSTEM START MERGES d.t' })
  expect(piled({ unmerged: 19 })?.verdict).toBe('ok')
  expect(piled({ quietSeconds: 59 })?.verdict).toBe('ok')
  expect(piled({}, ['d.t'])?.verdict).toBe('ok')
})

test('what a user may not see is a warning with the grant, and hides nothing else', () => {
  const found = storage({ disks: refused, merging: refused })
  expect(short(found)).toEqual(['warn disk', 'ok parts', 'ok mutations', 'warn merges'])
  expect(found[0]).toMatchObject({ found: 'not known: no', hint: 'GRANT SELECT ON system.disks TO me' })
})

const NODE = { host: 'a:9000', shard: 1, replica: 1, errors: 0 }
const REPLICA = { host: 'a', table: 'd.t', readonly: false, delaySeconds: 0, problem: '' }
const CLUSTER = {
  name: 'c',
  refusal: undefined,
  nodes: { got: [NODE, { ...NODE, host: 'b:9000', shard: 2 }] },
  answering: { got: 2 },
  replicas: { got: [REPLICA] },
  keeper: { got: true },
}

const evaluate = (change: object) => short(evaluateCluster({ ...CLUSTER, ...change }))

test('a cluster is judged by its servers, its replicas and its Keeper', () => {
  expect(evaluate({})).toEqual(['ok nodes', 'ok replicas', 'ok keeper'])
  expect(evaluate({ refusal: { sentence: 'no' } })[0]).toBe('fail nodes')
  expect(evaluate({ nodes: { got: [] } })[0]).toBe('fail nodes')
  expect(evaluate({ answering: { got: 1 } })[0]).toBe('fail nodes')
  expect(evaluate({ answering: refused })[0]).toBe('fail nodes')
  expect(evaluate({ nodes: { got: [NODE, { ...NODE, errors: 1 }] } })[0]).toBe('warn nodes')
  expect(evaluate({ replicas: { got: [{ ...REPLICA, readonly: true }] } })[1]).toBe('fail replicas')
  expect(evaluate({ replicas: { got: [{ ...REPLICA, delaySeconds: 60 }] } })[1]).toBe('warn replicas')
  expect(evaluate({ replicas: { got: [{ ...REPLICA, delaySeconds: 59 }] } })[1]).toBe('ok replicas')
  expect(evaluate({ keeper: { got: undefined } })[2]).toBe('warn keeper')
  expect(evaluate({ keeper: refused })[2]).toBe('warn keeper')
})
