import * as fc from 'fast-check'
import { sql } from 'kysely'
import { expect, test } from 'vitest'
import { typed } from '../../src/clickhouse/dialect.ts'
import { quoteIdentifier } from '../../src/sql-syntax/quoting.ts'
import type { Server } from '../../src/clickhouse/server.ts'
import { createLedger, useServer } from '../support/clickhouse.ts'

let server: Server

useServer((_, connected) => void (server = connected))

/** What the server makes of values: each one as a parameter, and back as text. */
async function echo(values: readonly unknown[]): Promise<string[]> {
  const [row] = await server.db
    .selectNoFrom(values.map((value, index) => sql<string>`toString(${value})`.as(`v${index}`)))
    .execute()
  return values.map((_, index) => row![`v${index}`]!)
}

const HOSTILE = [
  '',
  "it's",
  "'; DROP TABLE ledger; --",
  '\\',
  "\\'",
  '\\N',
  'NULL',
  '`back`quotes`',
  '{p0:String}',
  '{p0:Identifier} -- /* */ $$',
  'tab\tnewline\nreturn\r\0end',
  'Ünïcödé 🦊 \u2028',
  '%_',
]

test('strings come back as they went, whatever is in them', async () => {
  expect(await echo(HOSTILE)).toEqual(HOSTILE)
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.string({ unit: 'binary', maxLength: 30 }), { minLength: 1, maxLength: 40 }),
      async (strings) => {
        expect(await echo(strings)).toEqual(strings)
      },
    ),
    { numRuns: 25 },
  )
})

test('strings compare with columns as they are', async () => {
  const rows = await server.db
    .selectFrom(
      sql<{ text: string }>`(SELECT arrayJoin(${typed(HOSTILE, 'Array(String)')}) AS text)`.as('hostile'),
    )
    .select('text')
    .where('text', 'in', HOSTILE)
    .where('text', '!=', "it's")
    .execute()
  expect(rows.map(({ text }) => text)).toEqual(HOSTILE.filter((text) => text !== "it's"))
})

test('integers come back as they went, to both ends of 64 bits', async () => {
  const numbers = [
    0,
    1,
    -1,
    Number.MAX_SAFE_INTEGER,
    Number.MIN_SAFE_INTEGER,
    2n ** 64n - 1n,
    -(2n ** 63n),
    2n ** 53n + 1n,
  ]
  expect(await echo(numbers)).toEqual(numbers.map(String))
})

test('block numbers come back as numbers, the highest one too', async () => {
  const [row] = await server.db.selectNoFrom(sql<number>`${Number.MAX_SAFE_INTEGER}`.as('block')).execute()
  expect(row).toEqual({ block: Number.MAX_SAFE_INTEGER })
})

test('booleans, arrays and values of a said type come back as they went', async () => {
  expect(
    await echo([
      true,
      false,
      typed([], 'Array(UInt64)'),
      typed(["a'b", 'c\td', '\\', 'NULL'], 'Array(String)'),
      typed('2015-07-30 15:26:13.123456', "DateTime64(6, 'UTC')"),
      typed('6f9619ff-8b86-d011-b42d-00c04fc964ff', 'UUID'),
      typed(null, 'Nullable(String)'),
    ]),
  ).toEqual([
    'true',
    'false',
    '[]',
    String.raw`['a\'b','c\td','\\','NULL']`,
    '2015-07-30 15:26:13.123456',
    '6f9619ff-8b86-d011-b42d-00c04fc964ff',
    null,
  ])
})

const compiled = (value: unknown) => server.db.selectNoFrom(sql`${value}`.as('v')).compile()

test.each([2 ** 53, -(2 ** 53), 1.5, Number.NaN, Number.POSITIVE_INFINITY, 2n ** 64n, -(2n ** 63n) - 1n])(
  '%s is refused before the server could round or wrap it',
  (value) => {
    expect(() => compiled(value)).toThrow(new RegExp(`integer: ${value}$`))
  },
)

test.each([[null], [undefined], [['a']], [new Date(0)], [{}]])(
  '%s is refused until its type is said',
  (value) => {
    expect(() => compiled(value)).toThrow('typed()')
  },
)

test('identifiers with back-quotes, backslashes and quotes are names and nothing else', async () => {
  const names = ['we`ird', 'back\\slash', '` FROM system.one --', `"it's"`, '{p0:String}']
  for (const name of names) {
    expect(await server.db.selectNoFrom(sql<number>`1`.as(name)).execute()).toEqual([{ [name]: 1 }])
    const query = `SELECT 1 AS ${quoteIdentifier(name)}`
    expect(await server.client.rows({ query })).toEqual([{ [name]: 1 }])
  }
})

test('no value is ever spliced into the text: it holds parameters, the server gets the values beside it', () => {
  const secret = fc.string({ unit: 'binary' }).map((text) => `<secret${text}>`)
  fc.assert(
    fc.property(
      secret,
      secret,
      fc.integer({ min: 7_000_000_000, max: Number.MAX_SAFE_INTEGER }),
      (a, b, n) => {
        const { sql: text, parameters } = server.db
          .with('some', (q) => q.selectFrom('ledger').select('table_key').where('network', '=', a))
          .selectFrom(['ledger', 'some'])
          .select((is) => [
            'ledger.network',
            is.case().when('seq', '>', n).then(a).else(b).end().as('picked'),
            is.val(b).as('same'),
            sql`${typed([a, b], 'Array(String)')}`.as('list'),
          ])
          .where('ledger.table_key', 'in', [a, b])
          .where('range_from', '>=', n)
          .where('ledger.network', 'like', b)
          .groupBy(['ledger.network', 'seq'])
          .having('seq', '<', n)
          .orderBy('ledger.network')
          .limit(n)
          .offset(n)
          .compile()
        expect(text).not.toContain('secret')
        expect(text).not.toContain(String(n))
        expect(parameters).toEqual([a, n, a, b, b, [a, b], a, b, n, b, n, n, n])
        expect([...text.matchAll(/\{p(\d+):/g)].map(([, index]) => Number(index))).toEqual(
          parameters.map((_, index) => index),
        )
      },
    ),
  )
})

test('an INSERT binds its values too, and a row comes back as it went in', async () => {
  const { ledger } = await createLedger(server)
  const db = server.db.withSchema(ledger)
  const insert = db
    .insertInto('ledger')
    .columns(['network', 'error', 'range_from', 'forced'])
    .expression(
      server.db.selectNoFrom([
        sql<string>`${"secret'1"}`.as('network'),
        sql<string>`${'secret\\2\n'}`.as('error'),
        sql<number>`${Number.MAX_SAFE_INTEGER}`.as('range_from'),
        sql<boolean>`${true}`.as('forced'),
      ]),
    )
  expect(insert.compile().sql).not.toContain('secret')
  await insert.execute()
  const rows = await db.selectFrom('ledger').select(['network', 'error', 'range_from', 'forced']).execute()
  expect(rows).toEqual([
    { network: "secret'1", error: 'secret\\2\n', range_from: Number.MAX_SAFE_INTEGER, forced: true },
  ])
})

test('a transaction is refused: ClickHouse has none', async () => {
  await expect(server.db.transaction().execute(async () => {})).rejects.toThrow('no transactions')
})
