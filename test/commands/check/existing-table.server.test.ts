// Owns the comparison of DDL files with tables by the server: what was made of a file is as the file, and no rest is left.
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openServer, type Server } from '../../../src/clickhouse/server.ts'
import { existingTables } from '../../../src/clickhouse/existing-tables.ts'
import { definitionsDiffer } from '../../../src/sql-syntax/table-definition.ts'
import { madeDefinition } from '../../../src/commands/check/existing-table.ts'
import type { SqlText } from '../../../src/model/model.ts'
import { catalogue, connect } from '../../support/clickhouse.ts'
import { post, rowsOf, startTestServer, type TestServer, uniqueDatabase } from '../../support/server.ts'
import { launchWithUsers } from '../../support/users.ts'

const database = uniqueDatabase('target')

let started: TestServer
let server: Server
beforeAll(async () => {
  started = await startTestServer()
  await post(started, `CREATE DATABASE ${database}`)
  server = { ...(await connect(started)) }
  server = { ...server, connection: { ...server.connection, database } }
})
afterAll(async () => {
  await server?.close()
  await started?.stop()
})

const TAIL = 'ENGINE = ReplacingMergeTree ORDER BY a'
const TABLES: Readonly<Record<string, string>> = {
  'types that are spelled otherwise': `(a UInt32 NOT NULL, b Decimal64(4), c Enum('a', 'b'), d DateTime64, e TEXT, f BIGINT, g Variant(UInt64, String), h BOOLEAN NULL) ${TAIL}`,
  'functions that are spelled otherwise': `(a UInt32, x String DEFAULT LOWER('A'), y Date DEFAULT TODAY(), z UInt64 DEFAULT COALESCE(NULL, a)) ${TAIL}`,
  'all kinds of defaults': `(a UInt32, m UInt64 MATERIALIZED a + 1, l UInt64 ALIAS a * 2, e UInt64 EPHEMERAL, d UInt64 DEFAULT e, g DEFAULT a) ${TAIL}`,
  'nested and low cardinality': `(a UInt32, n Nested(b UInt8, c String), t Tuple(x UInt8, y String) DEFAULT (1, 'x'), l LowCardinality(Nullable(String))) ${TAIL}`,
  'codecs, comments and statistics': `(a UInt32 COMMENT 'it''s, COMMENT' CODEC(DoubleDelta, ZSTD(1)), \`comment\` UInt8 COMMENT 'x' STATISTICS(tdigest)) ${TAIL} COMMENT 'TTL and ''ENGINE'''`,
  'lifetimes of rows and values': `(a UInt32, d DateTime, s String TTL d + INTERVAL 1 DAY) ${TAIL} TTL d + INTERVAL 1 MONTH DELETE`,
  'indices, projections, constraints': `(a UInt32, b UInt32, INDEX i b TYPE minmax, PROJECTION p (SELECT b, a ORDER BY b), CONSTRAINT c CHECK b > 0) ENGINE = MergeTree ORDER BY a`,
  'a primary key that is shorter, and rows sorted downwards': `(a UInt32, b UInt32) ENGINE = ReplacingMergeTree(b) PARTITION BY intDiv(a, 5) PRIMARY KEY a ORDER BY (a, b DESC) SETTINGS allow_experimental_reverse_key = 1`,
  'a primary key alone': '(a UInt32, PRIMARY KEY (a)) ENGINE = MergeTree',
  'no key': '(a UInt32) ENGINE = MergeTree() ORDER BY tuple()',
  'an empty key': '(a UInt32) ENGINE = MergeTree ORDER BY ()',
  'no engine': '(a UInt32) ORDER BY a',
  'a key that is sampled':
    '(a UInt32) ENGINE = MergeTree ORDER BY a SAMPLE BY a SETTINGS index_granularity = 1024',
  'states of aggregates':
    '(a UInt32, s AggregateFunction(sum, UInt64), m SimpleAggregateFunction(max, UInt64)) ENGINE = AggregatingMergeTree ORDER BY a',
}

let count = 0

/** How a table differs that was made by `made` from the file that says `file`. */
async function differences(made: string, file = made): Promise<readonly string[]> {
  const name = `t${++count}`
  const text = (body: string) => `CREATE TABLE {target:Identifier}.${name} ${body}`
  await post(started, text(made), { target: database })
  return await compared(name, { file: 'd.sql', text: text(file), line: 1 })
}

async function compared(name: string, ddl: SqlText): Promise<readonly string[]> {
  const found = await madeDefinition(server, ddl)
  if (!('definition' in found)) return [JSON.stringify(found)]
  const table = (await existingTables(server, [name])).get(name)!
  return [...definitionsDiffer(found.definition, table.definition)].map(({ rule, what, here, there }) =>
    [rule, what, here, there].join('|'),
  )
}

test.for(Object.entries(TABLES))('a table with %s is as the file that it was made of', async ([, body]) => {
  expect(await differences(body)).toEqual([])
})

test('every shipped table is as the file that it was made of, and no temporary table is left', async () => {
  for (const { target, ddl } of catalogue.tables) {
    await post(started, ddl.text, { target: database })
    expect(await compared(target, ddl), target).toEqual([])
  }
  const rest = await rowsOf(
    started,
    "SELECT name FROM system.tables WHERE name LIKE 'int%' AND database != {database:String}",
    { database },
  )
  expect(rest).toEqual([])
})

test('a Replicated engine in a file is compared by what it makes of rows', async () => {
  const file =
    "(a UInt32, v UInt8) ENGINE = ReplicatedReplacingMergeTree('/x/{uuid}', '{replica}', v) ORDER BY a"
  expect(await differences('(a UInt32, v UInt8) ENGINE = ReplacingMergeTree(v) ORDER BY a', file)).toEqual([])
  expect(await differences('(a UInt32, v UInt8) ENGINE = ReplacingMergeTree ORDER BY a', file)).toEqual([
    'E074|the engine is|ReplacingMergeTree(v)|ReplacingMergeTree()',
  ])
})

test.for<[what: string, table: string, file: string, differs: readonly string[]]>([
  [
    'a codec',
    '(a UInt32 CODEC(ZSTD(3)))',
    '(a UInt32 CODEC(ZSTD(1)))',
    ["W078|'a' has|CODEC ZSTD(1)|CODEC ZSTD(3)"],
  ],
  ['a comment', "(a UInt32 COMMENT 'x')", '(a UInt32)', ["W078|'a' has||COMMENT 'x'"]],
  [
    'the lifetime of a value',
    '(a UInt32, b UInt8 TTL toDateTime(a) + toIntervalDay(1))',
    '(a UInt32, b UInt8)',
    ["E077|'b' has||TTL toDateTime(a) + toIntervalDay(1)"],
  ],
  [
    'a constraint',
    '(a UInt32, CONSTRAINT c CHECK a > 0)',
    '(a UInt32)',
    ['W078|besides the columns there is||CONSTRAINT c CHECK a > 0'],
  ],
  [
    'a kind of default',
    '(a UInt32, b UInt8 ALIAS 1)',
    '(a UInt32, b UInt8 DEFAULT 1)',
    ["E073|'b' has|DEFAULT 1|ALIAS 1"],
  ],
  [
    'a default',
    "(a UInt32, b String DEFAULT 'X y')",
    "(a UInt32, b String DEFAULT 'x y')",
    ["E073|'b' has|DEFAULT 'x y'|DEFAULT 'X y'"],
  ],
  [
    'a type in brackets',
    '(a UInt32, b Tuple(x UInt8))',
    '(a UInt32, b Tuple(x UInt16))',
    ["E072|'b' is|Tuple(x UInt16)|Tuple(x UInt8)"],
  ],
  [
    'a column with a default in brackets',
    '(a UInt32)',
    '(a UInt32, b Tuple(UInt8, UInt8) DEFAULT (1, 2))',
    ["E071|the column 'b' is|Tuple(UInt8, UInt8) DEFAULT (1, 2)|"],
  ],
  ['a type', '(a UInt32, b UInt8)', '(a UInt32, b UInt16)', ["E072|'b' is|UInt16|UInt8"]],
])('%s that differs is found', async ([, table, file, differs]) => {
  expect(await differences(`${table} ${TAIL}`, `${file} ${TAIL}`)).toEqual(differs)
})

test('a user whose profile is readonly = 2 gets the comparison, one of readonly = 1 is told why not', async () => {
  const ddl = {
    file: 'd.sql',
    text: 'CREATE TABLE {target:Identifier}.x (a TEXT) ENGINE = MergeTree ORDER BY a',
    line: 1,
  }
  const grants = ['GRANT SELECT, CREATE TABLE ON *.*', 'GRANT TABLE ENGINE ON *']
  const limited = await launchWithUsers({
    two: { grants, profile: { readonly: '2' } },
    one: { grants, profile: { readonly: '1' } },
  })
  try {
    const asked = await Promise.all(
      ['two', 'one'].map(async (username) => {
        const login = {
          side: 'target' as const,
          url: limited.url,
          username,
          password: 'secret',
          database: 'default',
        }
        const reached = await openServer(login)
        try {
          return await madeDefinition(reached, ddl)
        } finally {
          await reached.close()
        }
      }),
    )
    expect(asked).toEqual([
      { definition: expect.stringContaining('`a` String') },
      {
        notCompared: expect.stringContaining("user 'one'"),
        hint: 'set readonly = 2 for this user',
        always: true,
      },
    ])
  } finally {
    await limited.stop()
  }
})
