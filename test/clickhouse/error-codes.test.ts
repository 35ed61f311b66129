// Owns the promises of src/clickhouse/error-codes.ts: what is tried again, what is split, what stops a table, how long it waits.
import * as fc from 'fast-check'
import { unreadable } from '../../src/project/sql-files.ts'
import { expect, test } from 'vitest'
import { ClickHouseError } from '@clickhouse/client'
import { backoffMs, blamesText, MAX_ATTEMPTS, retryDecision } from '../../src/clickhouse/error-codes.ts'
import { LOCK_LOST, serverError } from '../../src/clickhouse/server-error.ts'
import { BackfillError, type ErrorKind, retryOf, usageError } from '../../src/model/errors.ts'

const place = {
  connection: { side: 'target', url: 'http://db:8123', username: 'ann', password: '', database: 'dbt' },
  doing: 'inserting blocks 1-100',
} as const

/** What the client throws for an answer of the server, as people and the program meet it. */
const answered = (code: number, message = 'it failed') =>
  serverError(new ClickHouseError({ code: String(code), message }), place)

const KNOWN = [
  ['memory limit', 241, 'split'],
  ['timeout', 159, 'split'],
  ['too slow', 160, 'split'],
  ['name of a host', 198, 'retry'],
  ['too many queries', 202, 'retry'],
  ['no free connection', 203, 'retry'],
  ['socket timeout', 209, 'retry'],
  ['network', 210, 'retry'],
  ['no Keeper', 225, 'retry'],
  ['a part that no replica has yet', 234, 'retry'],
  ['server shutting down', 236, 'retry'],
  ['read-only replica', 242, 'retry'],
  ['disk full', 243, 'retry'],
  ['a replica that is back in Keeper meanwhile', 244, 'retry'],
  ['too many parts', 252, 'retry'],
  ['no replica answers', 279, 'retry'],
  ['too few replicas', 285, 'retry'],
  ['no quorum', 286, 'retry'],
  ['unknown status of an INSERT', 319, 'retry'],
  ['query killed', 394, 'retry'],
  ['system error', 425, 'retry'],
  ['no thread', 439, 'retry'],
  ['deadlock', 473, 'retry'],
  ['S3', 499, 'retry'],
  ['overloaded', 745, 'retry'],
  ['Keeper exception', 999, 'retry'],
  ['a socket that broke between servers', 95, 'retry'],
  ['a store that has too many requests', 364, 'retry'],
  ['a session in use', 373, 'retry'],
  ['too many mutations', 692, 'retry'],
  ['the queue of a workload that is full', 776, 'retry'],
  ['a reservation of memory that was ended', 777, 'retry'],
  ['an address that DNS does not know just now', 198, 'retry'],
  ['too few live replicas', 285, 'retry'],
  ['an earlier quorum that is not reached', 286, 'retry'],
  ['no thread free', 439, 'retry'],
  ['a deadlock avoided', 473, 'retry'],
  ['S3', 499, 'retry'],
  ['server overloaded', 745, 'retry'],
  ['no space', 243, 'retry'],
  ['no active replicas', 254, 'retry'],
  ['no available replica', 265, 'retry'],
  ['replica is not in quorum', 289, 'retry'],
  ['shard has no connections', 297, 'retry'],
  ['all replicas are stale', 369, 'retry'],
  ['part is temporarily locked', 384, 'retry'],
  ['replica status changed', 416, 'retry'],
  ['azure blob storage error', 500, 'retry'],
  ['cannot assign alter', 517, 'retry'],
  ['no remote shard available', 519, 'retry'],
  ['not a leader', 529, 'retry'],
  ['hdfs error', 660, 'retry'],
  ['table is being restarted', 733, 'retry'],
  ['part is locked', 738, 'retry'],
  ['tcp connection limit reached', 749, 'retry'],
  ['http connection limit reached', 762, 'retry'],
  ['too many unavailable shards', 904, 'retry'],
  ['unknown user', 192, 'reconnect'],
  ['wrong password', 193, 'reconnect'],
  ['user that has expired', 720, 'reconnect'],
  ['password required', 194, 'reconnect'],
  ['login refused', 516, 'reconnect'],
  ['too many sessions', 700, 'retry'],
  ['syntax error', 62, 'stop'],
  ['unknown table', 60, 'stop'],
  ['unknown identifier', 47, 'stop'],
  ['type mismatch', 53, 'stop'],
  ['throwIf', 395, 'stop'],
  ['not enough privileges', 497, 'stop'],
] as const

test.each(KNOWN)('%s (code %i): the error says %s', (_name, code, decision) => {
  expect(answered(code)).toMatchObject({ code, retry: decision })
})

test('an INSERT over too many partitions is split, although the server gives it the code of too many parts', () => {
  const words =
    "Too many partitions for single INSERT block (more than 100). The limit is controlled by 'max_partitions_per_insert_block' setting."
  expect(answered(252, words)).toMatchObject({ code: 252, retry: 'split' })
})

test.each([62, 47, 53, 43, 36, 395])('code %i is a fault of the file', (code) => {
  expect(blamesText(answered(code))).toBe(true)
})

test.each([0, 49, 76, 158, 159, 164, 201, 202, 241, 246, 372, 452, 497, 516, 745, 1001])(
  'code %i is not blamed on the file',
  (code) => {
    expect(blamesText(answered(code))).toBe(false)
  },
)

test('what no list names would fail again', () => {
  const unknown = fc
    .integer({ min: 1, max: 100_000 })
    .filter((code) => !KNOWN.some(([, one]) => one === code))
  fc.assert(
    fc.property(unknown, (code) => {
      expect(answered(code).retry).toBe('stop')
    }),
  )
})

test('only what failed by itself is judged by its code', () => {
  const code = fc.integer({ min: 0, max: 100_000 })
  fc.assert(
    fc.property(fc.constantFrom<ErrorKind>('usage', 'locked'), code, (kind, some) => {
      expect(retryDecision(kind, some)).toBe('stop')
    }),
  )
})

test('a server that says nothing is waited for', () => {
  expect(serverError(new Error('socket hang up'), place)).toMatchObject({
    kind: 'server',
    retry: 'reconnect',
  })
})

const hintWhileConnecting = (error: Error) => serverError(error, { ...place, doing: 'connecting' }).hint

test('what has hung up on a first question may speak TLS, and the hint says so', () => {
  expect(hintWhileConnecting(new Error('socket hang up'))).toContain(
    '_CLICKHOUSE_URL and that the server is up, write https:// in it if the port speaks TLS; ',
  )
  expect(serverError(new Error('socket hang up'), place).hint).not.toContain('TLS')
  expect(hintWhileConnecting(new Error('connect ECONNREFUSED 127.0.0.1:1'))).not.toContain('TLS')
})

test('a server that refuses the certificate of the client is not called down', () => {
  expect(serverError(new Error('tlsv13 alert certificate expired'), place)).toMatchObject({
    message: expect.stringContaining('refuses the certificate of this client'),
    hint: expect.stringContaining('_CERT_FILE'),
  })
})

test('where no more files may be open, neither the server nor the file is to blame', () => {
  const error = Object.assign(new Error('connect EMFILE 127.0.0.1:8123'), { code: 'EMFILE' })
  expect(hintWhileConnecting(error)).toContain('ulimit -n')
  expect(() => unreadable('sql/transforms/t.sql', error, { isListed: true })).toThrow(
    expect.objectContaining({ hint: expect.stringContaining('ulimit -n') }) as Error,
  )
})

test('a lost lock, a faulty file and a defect of this program stop', () => {
  expect(answered(395, LOCK_LOST)).toMatchObject({ kind: 'locked', retry: 'stop' })
  expect(retryOf(usageError('a faulty file'))).toBe('stop')
  expect(retryOf(new TypeError('a defect'))).toBe('stop')
})

const hintOf = (code: number, message?: string) => answered(code, message).hint

test('a limit of the profile, and a replica that a dying node has left, are said with what to do', () => {
  expect(hintOf(158)).toBe(
    "The limit is max_rows_to_read, in the profile of user 'ann' of the target server unless --settings or the transform sets it: raise it there, or take it out",
  )
  expect(hintOf(158, "Limit for rows (controlled by 'max_rows_to_read_leaf' setting) exceeded")).toContain(
    'max_rows_to_read_leaf, in the profile',
  )
  expect(
    hintOf(62, 'Max query size exceeded (can be increased with the `max_query_size` setting)'),
  ).toContain('max_query_size, in the profile')
  expect(hintOf(62, 'Syntax error')).toBeUndefined()
  expect(hintOf(70, 'Cannot convert NULL to a non-nullable type')).toContain('write ifNull(…, …)')
  expect(hintOf(241, '(total) memory limit exceeded')).toBeUndefined()
  const held = hintOf(253, 'Replica /clickhouse/main/t/replicas/1-r1 already exists.')
  expect(held).toContain("type SYSTEM DROP REPLICA '1-r1' FROM ZKPATH '/clickhouse/main/t' on another node")
  // Most often a table was dropped a short time ago, and then SYSTEM DROP REPLICA harms the next one.
  expect(held).toMatch(
    /^Was a table of this path dropped without SYNC\?.*system\.dropped_tables.* Only if no node/,
  )
})

test('replicas that are all down, read-only or late are said with what names them', () => {
  const words = 'Could not find enough connections to up-to-date replicas. Got: 0, needed: 1'
  expect(hintOf(369, words)).toContain('backfill doctor')
  const ofSource = { ...place, connection: { ...place.connection, side: 'source' } } as const
  expect(serverError(new ClickHouseError({ code: '369', message: words }), ofSource).hint).toMatch(
    /nodes are down \(system\.clusters .* late \(system\.replicas of each node\)/,
  )
})

test('locks that Keeper has lost are said with the statement that lets `up` make them anew, and nothing else that Keeper says is', () => {
  const lost = (path: string) => hintOf(999, `Coordination error: No node, path ${path}.`)
  const path = '/keeper_map/backfill/main/led_locks'
  for (const own of [path, `${path}/data`, `${path}/metadata`])
    expect(lost(own)).toContain(
      "type DROP DATABASE led_locks ON CLUSTER 'main' SYNC, and run backfill up, which makes them anew",
    )
  for (const other of [`${path}/data/mainnet__t__0000000001`, '/clickhouse/main/tables/1/db/t/log'])
    expect(lost(other)).toBeUndefined()
  expect(
    hintOf(999, 'Coordination error: Connection loss, path /keeper_map/backfill/main/led_locks/data'),
  ).toBeUndefined()
})

test('a decision that somebody has made stays as it is', () => {
  const error = new BackfillError('the file broke off', { kind: 'failed', retry: 'retry' })
  expect(retryOf(serverError(error, place))).toBe('retry')
})

test('back-off grows from try to try, stays between half a second and half a minute, and differs by chance', () => {
  const chance = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true })
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 50 }), chance, chance, (attempt, one, other) => {
      expect(backoffMs(attempt, one)).toBeGreaterThanOrEqual(500)
      expect(backoffMs(attempt, one)).toBeLessThanOrEqual(30_000)
      expect(backoffMs(attempt + 1, one)).toBeGreaterThanOrEqual(backoffMs(attempt, one))
      if (other - one > 0.01) expect(backoffMs(attempt, other)).toBeLessThan(backoffMs(attempt, one))
    }),
  )
})

/** What all tries of a range wait together, in ms. */
const waitedMs = (chance: number) =>
  Array.from({ length: MAX_ATTEMPTS - 1 }, (_, index) => backoffMs(index + 1, chance)).reduce(
    (sum, ms) => sum + ms,
    0,
  )

test('all tries of a range together outlast a server that is busy for 15 seconds, and wait for less than a minute', () => {
  expect(waitedMs(0.999)).toBeGreaterThan(15_000)
  expect(waitedMs(0)).toBeLessThan(60_000)
})
