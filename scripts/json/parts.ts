// Owns the pieces that several JSON documents share, as zod schemas: every key with what it means.
import { z } from 'zod'

/** An object with these keys and no other. */
export const object = z.strictObject
export const text = (about: string) => z.string().describe(about)
export const number = (about: string) => z.int().min(0).describe(about)
export const flag = (about: string) => z.boolean().describe(about)
export const time = (about: string) => z.iso.datetime().describe(about)
export const oneOf = (words: readonly string[], about: string) => z.enum(words).describe(about)
export const texts = (about: string) => z.array(z.string()).describe(about)
export const list = (item: z.ZodType, about: string) => z.array(item).describe(about)
export const nullable = (schema: z.ZodType) => {
  const { description = '' } = schema
  return schema.nullable().describe(description.includes('null') ? description : `${description}, or null`)
}
/** A key that a document may lack. */
export const maybe = (schema: z.ZodType) => schema.optional().describe(schema.description ?? '')
/** A set of blocks. */
export const blocks = (about: string) => list(z.array(z.int().min(0)).length(2), about)
/** A map from a word to a value. */
export const anything = (about: string) => z.array(z.array(z.unknown())).describe(about)

/** What every document says of itself. */
export const ENVELOPE = {
  schema: z.literal(1).describe('The version of the documents'),
  command: nullable(text('The command; null if the typed words name none')),
  generated_at: time('When the document was written, by the clock of the machine that wrote it'),
  network: nullable(text('The network; null for a command that asks for none')),
  tool_version: text('The version of backfill'),
}

export const document = (keys: z.ZodRawShape) => object({ ...ENVELOPE, ...keys })

/** What a document says -> its schema. */
export type Documents = Readonly<Record<string, z.ZodObject>>

export const TABLE = text('The table key')
export const tables = (keys: z.ZodRawShape) => list(object({ table: TABLE, ...keys }), 'The tables')
export const TARGET = text('The table with its database')
export const HINT = text('The command that builds stale ranges again')
export const RANGE = { from: number('The first block'), to: number('The last block') }
export const TIME = (about: string) => number(`${about}, in ms`)
export const EXPECTED_MS = nullable(TIME('How long it takes, by earlier chunks'))

export const ERROR = object({
  kind: oneOf(
    ['failed', 'usage', 'locked', 'server', 'defect'],
    'The kind of error, which decides the exit code',
  ),
  message: text('One sentence'),
  hint: nullable(text('The next command to type, or what to change')),
}).describe('The error')

const REASONS = list(
  z.enum(['sql', 'forks', 'limits', 'inputs', 'sources', 'mixed']),
  'Why the ranges are stale: docs/reference/status.md',
)

/** Stale ranges by the SQL that built them. */
export const STALE_VERSIONS = list(
  object({
    sql_hash: text('The hash of that SQL'),
    reasons: REASONS,
    ranges: blocks('The ranges'),
    blocks: number('Their number of blocks'),
    built_from: nullable(text('When the first of them was built')),
    built_to: nullable(text('When the last of them was built')),
  }),
  'Stale ranges by the SQL that built them and by their reasons',
)

/** Tables with stale ranges, as a run found them at its start. */
export const STALE = list(
  object({
    table: TABLE,
    blocks: number('Stale blocks, or seconds'),
    unit: oneOf(['block', 'second'], 'What ranges count'),
    reasons: REASONS,
    lost: number('Those of them that what the table reads no longer has: they cannot be built again'),
    hint: HINT,
  }),
  'Tables with stale ranges, as they were at the start',
)

export const LOCK = nullable(
  object({
    name: text('The name of the lock'),
    epoch: number('The lock epoch'),
    host: text('The host of the holder'),
    pid: number('The process of the holder'),
    pid_namespace: text('The PID namespace of that number'),
    since: text('When the lock was taken, by the clock of the holder'),
    heartbeat: text('The last heartbeat, by the clock of the holder'),
    silent_seconds: number(
      'Seconds since that, by the clock of the server; above 20 the next run takes over',
    ),
    released: flag('Whether the holder gave it back'),
    command: text('The command that took it; empty if that is not known'),
  }).describe('The lock'),
)

const HOLD_KEYS = object({
  action: oneOf(['pause', 'limit', 'load', 'disk', 'unreachable'], 'What holds runs back'),
  table: text('The table key; empty for all tables'),
  spares: texts('Of all tables: those that were resumed since'),
  jobs: number('Of a limit: statements at the same time'),
  by: text('The person who set it'),
  host: text('The host of that person'),
  since: time('When it was set, by the clock of the server'),
  until: nullable(time('When it ends by itself; null: with `resume` alone')),
  found: maybe(nullable(text('Of `load`, `disk` and `unreachable`: what a run has found'))),
})

/** A pause or a limit that a person has set. */
export const HOLD = HOLD_KEYS.describe('The pause or limit; null if the load is the reason')

export const HOLDS = list(HOLD_KEYS, 'Pauses and limits that hold now')

export const ROWS_KIND = oneOf(['per-block', 'per-key'], 'What a row belongs to')

const SUMS = object({
  rows: number('Rows'),
  keys: number('Distinct keys'),
  hash: text('The sum of their hashes, decimal'),
})

const VALUES = nullable(list(z.string().nullable(), 'The row, in the order of `columns`'))

/** The report of a comparison of rows. */
export const VERIFICATION = {
  network: text('The network'),
  seed: nullable(number('The seed of the sample; null if all chunks were compared')),
  tables: list(
    object({
      table: TABLE,
      target: TARGET,
      rows: ROWS_KIND,
      hint: HINT,
      columns: texts('The compared columns'),
      not_compared: list(
        object({ name: text('The column'), why: oneOf(['nondeterministic', 'unknown', 'ttl'], 'Why') }),
        'Columns that are not compared',
      ),
      chunks: number('All chunks'),
      verified: number('Compared chunks'),
      dirty: blocks('Half-written blocks, which are not compared'),
      ranges: list(
        object({
          ...RANGE,
          outcome: oneOf(['same', 'different', 'duplicates'], 'The result'),
          why: nullable(text('Why it may differ: a reason of stale ranges, `gone` or `dropped`')),
          elapsed_ms: TIME('How long it took'),
          recomputed: SUMS.describe('What was computed now'),
          stored: nullable(SUMS.describe('What the table holds; null for a table with a row per key')),
          differences: object({
            missing: number('Keys that the table lacks'),
            unexpected: number('Keys that the range does not yield'),
            different: number('Keys with other values'),
            behind: number('Keys whose row is not as early, or as late, as the range says'),
          }).describe('Keys that differ'),
          examples: list(
            object({
              kind: oneOf(['missing', 'unexpected', 'different', 'behind'], 'The kind of difference'),
              recomputed: VALUES,
              stored: VALUES,
            }),
            'Some rows that differ',
          ),
        }),
        'The compared chunks',
      ),
    }),
    'The tables',
  ),
}
