// Owns what statements about targets and sources do and answer. INSERT and DELETE go on for a while: writes.ts.
import { digest } from './of-digests.ts'
import { hash, nothing, rangesIn, type Sent, type Statement, targetNamed, within } from './sent.ts'
import { type Key, keyOf, KEYS, type World } from './world.ts'

const COLUMNS: Readonly<Record<Key | 'events', readonly string[]>> = {
  plain: ['block_number', 'value'],
  echo: ['block_number', 'value'],
  total: ['block_number', 'value'],
  last: ['key', 'block_number', 'value'],
  events: ['updated_date_time', 'block_number', 'value', 'meta_network_name'],
}

function describe(names: readonly string[]) {
  return names.map((name) => ({ name, type: 'UInt64' }))
}

export const rowsOfSource = (world: World, sent: Sent) => {
  const range = within({ from: sent.one('`block_number` >= '), to: sent.one('`block_number` <= ') })
  return [...world.source].flatMap(([block, row]) => (range(block) ? [{ block, ...row }] : []))
}

const BLOCKS_TO = 1_000

const LEDGER_TABLES = ['ledger', 'sql_versions', 'source_probe', 'steering', 'tables', 'run_reports']

/** The table whose transform, or whose target, a text names. */
export function keyIn(text: string): Key {
  if (text.includes('.plain')) return 'echo'
  if (text.includes('.total')) return 'total'
  return KEYS.find((key) => key === 'last' && text.includes('argMax(found')) ?? 'plain'
}

export const OF_TABLES: readonly Statement[] = [
  {
    name: 'rows outside',
    words: ['toString(min(position)) AS first'],
    run: () => [{ rows: 0, first: '0', last: '0' }],
  },
  { name: 'views of sources', words: ['SELECT name, arrayFilter(column'], run: nothing },
  {
    name: 'tables',
    words: ['SELECT name, engine, engine_full'],
    run: (world, sent) =>
      sent.one<string[]>('has(').flatMap((name) => {
        const target = world.targets.get(name)
        if (target === undefined) return []
        const engine = target.key === 'plain' ? 'MergeTree' : 'ReplacingMergeTree'
        const by = target.key === 'last' ? 'key' : 'block_number'
        const definition = `CREATE TABLE tgt.${name} (${COLUMNS[keyOf(name)].map((column) => `\`${column}\` UInt64`).join(', ')}) ENGINE = ${engine}${target.key === 'last' ? '(block_number)' : ''} ORDER BY ${by}`
        return [
          {
            name,
            engine,
            engine_full: definition.slice(definition.indexOf('ENGINE = ') + 9),
            sortKey: by,
            rows: target.rows.length + target.masked,
            bytes: 1,
            definition,
            uuid: target.uuid,
            views: [],
          },
        ]
      }),
  },
  {
    name: 'columns',
    words: ['SELECT table, name, type, default_kind'],
    run: (world, sent) =>
      sent
        .one<string[]>('has(')
        .filter((name) => world.targets.has(name))
        .flatMap((table) =>
          describe(COLUMNS[keyOf(table)]).map((column) => ({
            table,
            ...column,
            defaultKind: '',
            expression: '',
          })),
        ),
  },
  {
    name: 'databases',
    words: ["(SELECT groupArray(concat(name, ' ', engine)) FROM system.databases"],
    run: (world) => [
      world.hasLedger
        ? {
            databases: ['led Atomic', 'led_locks Atomic', 'tgt Atomic'],
            tables: LEDGER_TABLES,
            comment: '',
            inKeeper: 0,
          }
        : { databases: [], tables: [], comment: '', inKeeper: 0 },
    ],
  },
  { name: 'detached tables', words: ['FROM system.detached_tables'], run: nothing },
  { name: 'name of a type', words: ['toTypeName(defaultValueOfTypeName('], run: () => [['UInt64']] },
  {
    name: 'columns of a transform',
    words: ['DESCRIBE TABLE ('],
    run: (_, { text }) => describe(COLUMNS[keyIn(text)]),
  },
  { name: 'create a database', words: ['CREATE DATABASE IF NOT EXISTS'], run: nothing },
  {
    name: 'create the ledger',
    words: ['CREATE TABLE IF NOT EXISTS {ledger:Identifier}'],
    run: (world) => ((world.hasLedger = true), []),
  },
  {
    name: 'create a target',
    words: ['CREATE TABLE IF NOT EXISTS {target:Identifier}.'],
    run: (world, { text }) => (world.create(/\{target:Identifier\}\.(\w+)/.exec(text)![1]!), []),
  },
  {
    name: 'ends of the sources',
    words: ['min(block_number) as `from`, max(block_number) as `to`'],
    run: ({ source: rows }) =>
      rows.size === 0
        ? []
        : [{ source: 'events', from: Math.min(...rows.keys()), to: Math.max(...rows.keys()) }],
  },
  {
    name: 'parts of the sources',
    words: ['_part AS part'],
    run: ({ source: rows }) => [
      { source: 'events', hash: hash(JSON.stringify([...rows])), rows: rows.size, from: 1, to: BLOCKS_TO },
    ],
  },
  {
    name: 'buckets of the sources',
    words: ['toString(sum(sipHash64(block_number)))'],
    run: (world, sent) => {
      const width = sent.one<number>('intDiv(block_number, ')
      const buckets = Map.groupBy(rowsOfSource(world, sent), ({ block }) => Math.floor(block / width))
      return [...buckets.values()].map((rows) => ({
        source: 'events',
        first: Math.min(...rows.map(({ block }) => block)),
        last: Math.max(...rows.map(({ block }) => block)),
        rows: rows.length,
        blocks: rows.length,
        newest: Math.max(...rows.map(({ written }) => written)),
        hash: hash(rows.map(({ block }) => block).join()),
      }))
    },
  },
  {
    name: 'next rows of the sources',
    words: ['select {p0:String} as `source`, `block_number` from (select `block_number`'],
    run: (world, sent) => {
      const [low] = sent.all<number>('`block_number` >= ')
      const [high] = sent.all<number>('`block_number` <= ')
      const blocks = [...world.source.keys()].filter(
        (block) => (low === undefined || block >= low) && (high === undefined || block <= high),
      )
      return blocks.length === 0
        ? []
        : [{ source: 'events', block_number: low === undefined ? Math.max(...blocks) : Math.min(...blocks) }]
    },
  },
  {
    name: 'fingerprint of the sources',
    words: ['uniqExact(block_number) as `blocks`'],
    run: (world, sent) => {
      const rows = rowsOfSource(world, sent)
      return [
        { source: 'events', blocks: rows.length, newest: Math.max(0, ...rows.map(({ written }) => written)) },
      ]
    },
  },
  {
    name: 'insert',
    words: ['INSERT INTO {backfill_database:Identifier}.{backfill_table:Identifier}'],
    goesOn: 'insert',
    run: nothing,
  },
  { name: 'delete', words: ['DELETE FROM `tgt`.`'], goesOn: 'delete', run: nothing },
  {
    name: 'digest of a range',
    words: ['SELECT count() AS rows, toString(sum(cityHash64(tuple('],
    run(world, { text }) {
      const [, name, from, to] = /FROM `tgt`\.`(\w+)`[^]* BETWEEN (\d+) AND (\d+)/.exec(text)!
      return [digest(world, name!, { from: Number(from), to: Number(to) })]
    },
  },
  {
    name: 'rows of a range',
    words: ['select count(*) as `rows` from `tgt`.`'],
    run(world, sent) {
      const [, name] = /from `tgt`\.`(\w+)`/.exec(sent.text)!
      const ranges = rangesIn(sent, 'block_number', 'block_number')
      const rows = targetNamed(world, name!).rows.filter(({ block }) =>
        ranges.some((range) => within(range)(block)),
      )
      return [{ rows: rows.length }]
    },
  },
  {
    // What they tell is played on the real server.
    name: 'parts of tables',
    words: ['SELECT name, groupArray((id, block)) AS oldest'],
    run: () => [],
  },
  {
    name: 'identities of tables',
    words: ['SELECT name, total_rows AS rows, toString(uuid) AS uuid'],
    run: (world, sent) =>
      [...new Set(sent.one<string[]>('has('))].flatMap((name) => {
        const target = world.targets.get(name)
        if (target === undefined) return []
        const types = describe(COLUMNS[keyOf(name)]).map((column) => [column.name, column.type])
        return [{ name, rows: target.rows.length + target.masked, uuid: target.uuid, types }]
      }),
  },
]
