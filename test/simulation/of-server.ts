// Owns what statements about the server, its locks and its running statements do and answer.
import { assertFence, nothing, Refusal, type Statement, valuesIn } from './sent.ts'

export const OF_SERVER: readonly Statement[] = [
  {
    name: 'who are you',
    words: ['SELECT version() AS version'],
    run: () => [{ version: '26.7.2.1', arrived: [], identity: 'simulated', changed: [] }],
  },
  { name: 'may we', words: ['CHECK GRANT'], run: () => [1] },
  {
    name: 'locks',
    words: ['SELECT name, comment, ', 'FROM system.tables'],
    run: (world, sent) =>
      [...world.locks]
        .filter(([name]) => name.startsWith(sent.one('startsWith(name, ')))
        .map(([name, comment]) => ({ name, comment, silent: '0' }))
        .toSorted((one, other) => (one.name < other.name ? -1 : 1)),
  },
  { name: 'row policies', words: ['FROM system.row_policies'], run: nothing },
  {
    name: 'capacity',
    words: ["getSetting('max_threads')"],
    run: () => [{ cores: '2', statement: '0', user: '0' }],
  },
  { name: 'memory', words: ['FROM system.server_settings'], run: nothing },
  { name: 'load', words: ['FROM system.asynchronous_metrics'], run: nothing },
  {
    name: 'holds',
    words: ['{ledger:Identifier}.steering AS given'],
    run: (world, _, now) =>
      world.holds
        .filter(({ until }) => until > now)
        .map(({ action, table }) => ({
          action,
          table,
          spares: [],
          jobs: 0,
          by: 'someone',
          host: 'h',
          since: '2030-01-01T00:00:00Z',
          until: null,
        })),
  },
  {
    name: 'take a lock',
    words: ['CREATE TABLE {locks:Identifier}.{name:Identifier} (nothing UInt8)'],
    run(world, { text, params }) {
      const name = String(params['name'])
      if (world.locks.has(name))
        throw new Refusal(57, `Table led_locks.${name} already exists. (TABLE_ALREADY_EXISTS)`)
      world.locks.set(name, commentIn(text))
      return []
    },
  },
  {
    name: 'beat or release a lock',
    words: ['ALTER TABLE {locks:Identifier}.{name:Identifier} MODIFY COMMENT'],
    run(world, { text, params }) {
      const name = String(params['name'])
      if (!world.locks.has(name))
        throw new Refusal(60, `Table led_locks.${name} does not exist. (UNKNOWN_TABLE)`)
      world.locks.set(name, commentIn(text))
      return []
    },
  },
  {
    name: 'drop a lock',
    words: ['DROP TABLE IF EXISTS {locks:Identifier}.{name0:Identifier}'],
    run(world, { params }) {
      for (const [key, name] of Object.entries(params))
        if (key.startsWith('name')) world.locks.delete(String(name))
      return []
    },
  },
  {
    name: 'kept SQL',
    words: ['select distinct `table_key` from `led`.`sql_versions`'],
    run(world, sent) {
      const asked = valuesIn(sent, 'IN ((')
      const isKept = (key: unknown, hash: unknown) =>
        world.versions.some((row) => row.table_key === key && row.raw_hash === hash)
      return asked.flatMap((key, index) =>
        index % 3 === 0 && isKept(key, asked[index + 2]) ? [{ table_key: key }] : [],
      )
    },
  },
  {
    name: 'keep SQL',
    words: ['INSERT INTO {ledger:Identifier}.sql_versions'],
    run(world, sent) {
      assertFence(world, sent)
      world.versions.push(JSON.parse(sent.text.slice(sent.text.indexOf('{"table_key"'))))
      return []
    },
  },
  { name: 'keep what was found', words: ['INSERT INTO {ledger:Identifier}.source_probe'], run: nothing },
  { name: 'what was found', words: ['`led`.`source_probe` where'], run: nothing },
  { name: 'say how the run goes', words: ['INSERT INTO {ledger:Identifier}.run_reports'], run: nothing },
  { name: 'keep what was seen', words: ['INSERT INTO {ledger:Identifier}.tables'], run: nothing },
  {
    name: 'room on the disks',
    words: ['argMax(name, unreserved_space / total_space) AS disk'],
    run: () => [{ disk: 'default', share: 0.9, bytes: 1e12 }],
  },
  {
    name: 'running statements',
    words: ['SELECT query_id FROM system.processes'],
    run: (world, sent) =>
      world.writing
        .filter(({ id }) => sent.one<string[]>('has(').includes(id))
        .map(({ id }) => ({ query_id: id })),
  },
  {
    name: 'end of a statement',
    words: ['FROM system.query_log'],
    run: (world, sent, now) =>
      !world.hasLog
        ? []
        : world.log
            .filter(({ id, seenAt }) => id === sent.one('query_id = ') && seenAt <= now)
            .slice(0, 1)
            .map(({ type, rows }) => ({
              type,
              rowsRead: rows,
              rowsWritten: rows,
              bytesRead: 0,
              peakMemory: 0,
              elapsedMs: 1,
            })),
  },
  {
    name: 'kill statements',
    words: ['KILL QUERY'],
    run(world, { params }) {
      for (const one of world.writing) if ((params['ids'] as string[]).includes(one.id)) one.killed = true
      return []
    },
  },
  {
    name: 'flush the query log',
    words: ['SYSTEM FLUSH LOGS'],
    run(world, _, now) {
      for (const [index, one] of world.log.entries())
        world.log[index] = { ...one, seenAt: Math.min(one.seenAt, now) }
      return []
    },
  },
  {
    name: 'kill deletions',
    words: ['KILL MUTATION'],
    run(world, { params }) {
      const [lock, prefix] = [String(params['lock']), String(params['lock_prefix'])]
      for (const mutation of world.mutations)
        if (
          mutation.target.name === params['table'] &&
          mutation.lock?.startsWith(prefix) &&
          mutation.lock < lock &&
          mutation.state !== 'done'
        )
          mutation.state = 'killed'
      return []
    },
  },
  { name: 'is it our user', words: ['currentUser() = '], run: () => [{ own: 1 }] },
]

function commentIn(text: string): string {
  return text.slice(text.indexOf("COMMENT '") + 9, -1)
}
