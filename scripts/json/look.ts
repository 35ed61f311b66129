// Owns the JSON documents of the commands that only read.
import { z } from 'zod'
import {
  anything,
  blocks,
  document,
  flag,
  HINT,
  list,
  nullable,
  number,
  object,
  oneOf,
  RANGE,
  STALE_VERSIONS,
  TABLE,
  tables,
  TARGET,
  text,
  texts,
  TIME,
  time,
  VERIFICATION,
  type Documents,
} from './parts.ts'

const SIDE = object({
  sql_hash: text('The hash of the SQL'),
  raw_hash: nullable(text('The hash of the file')),
  file: nullable(text('The path of the file')),
  kept_at: nullable(text('When the ledger kept the text')),
})

const AUTHOR = {
  user: text('The ClickHouse user'),
  host: text('The host of the runner'),
  tool_version: text('The version of backfill that wrote it'),
}

const OUTCOMES = [
  'done',
  'failed',
  'in progress',
  'interrupted',
  'gave up',
  'out of time',
  'marked stale',
  'adopted',
]

const RUN = {
  run_id: text('The id of the run'),
  started: time('The first event'),
  ended: time('The last event'),
  tables: list(
    object({ table: TABLE, present: flag('Whether it is the table that exists now') }),
    'The tables of the run',
  ),
  chunks_done: number('Attempts that are done'),
  chunks_failed: number('Attempts that failed'),
  chunks_open: number('Attempts that have not ended'),
  blocks: number('Blocks of the done chunks'),
  rows_read: number('Rows read'),
  rows_written: number('Rows written'),
  accepted_blocks: number('Accepted blocks'),
  revoked_blocks: number('Blocks whose acceptance was revoked'),
  cleaned_blocks: number('Blocks whose rows were deleted'),
  invalidated_blocks: number('Blocks that were marked to be built again'),
  marked_stale_blocks: number('Blocks that were found to be stale'),
  outcome: oneOf(['done', 'failed', 'in progress', 'interrupted', 'out of time', 'locked'], 'How it ended'),
  error: nullable(text('The latest error')),
}

const ATTEMPT = {
  run_id: text('The id of the run'),
  table: TABLE,
  present: flag('Whether it is the table that exists now'),
  ...RANGE,
  event: oneOf(
    OUTCOMES.concat('cleaned', 'invalidated', 'accepted', 'revoked'),
    'How the attempt ended, or the event',
  ),
  attempt: number('Which try of the range in its run, from 1; 0 if the event belongs to no attempt'),
  ended: time('When it ended'),
  elapsed_ms: TIME('How long it took'),
  rows_read: number('Rows read'),
  rows_written: number('Rows written'),
  peak_memory: number('Peak memory in bytes; 0 if unknown'),
  error_code: z.int().describe("ClickHouse's error code; 0 if there is none"),
  error: nullable(text('The error')),
  sql_hash: text('The hash of the SQL, with its stale tag'),
  query_id: text('The id of the INSERT'),
}

const COLUMNS = list(object({ name: text('The name'), type: text('The type') }), 'The columns of the rows')

const SERVER = object({
  version: text('The version of ClickHouse'),
  reads_only: flag('Whether the user only reads'),
  not_sent: texts('Pinned settings that the user may not change and that are right in its profile'),
})

/** The commands that only read, but `status` and `plan`. */
export const LOOKING: Readonly<Record<string, Documents>> = {
  diff: {
    'The versions': document({
      table: TABLE,
      target: TARGET,
      sql_hash: text("The hash of the file's SQL"),
      hint: HINT,
      current: blocks("Done blocks that the file's SQL built"),
      stale_versions: STALE_VERSIONS,
      from: SIDE.describe('The older SQL'),
      to: SIDE.describe('The newer SQL'),
      change: oneOf(['none', 'form', 'sql', 'unknown'], 'What changed; `form`: nothing that changes a row'),
      patch: nullable(text('The unified diff')),
    }),
  },
  verify: {
    'The comparison': document(VERIFICATION),
    'With --sources': document({
      tables: tables({
        looked_blocks: number('Blocks that were looked at'),
        changed: blocks('Blocks whose sources changed'),
        gone: blocks('Blocks whose source rows were deleted'),
        marked: flag('Whether the changed blocks are marked as stale'),
        marked_before: blocks('Blocks that were marked before'),
        not_marked: nullable(text('Why the changed blocks were not marked')),
      }),
    }),
    'With --stored': document({
      tables: tables({
        compared_blocks: number('Blocks that were compared'),
        unknown_blocks: number('Done blocks without a recorded digest'),
        rows: number('Rows of the table'),
        same: flag('Whether all is as recorded'),
        differences: list(
          object({
            ...RANGE,
            kind: oneOf(['lost', 'extra', 'changed', 'stray'], 'What differs'),
            recorded: number('Rows that the ledger recorded'),
            stored: number('Rows of the table'),
          }),
          'Ranges that differ, at most 10,000',
        ),
        more: number('Ranges beyond those'),
      }),
    }),
  },
  digest: {
    'The digests': document({
      every: number('Blocks, or seconds, of a range'),
      tables: tables({
        columns: text('Names the hashed columns and their types; empty without rows'),
        ranges: list(
          object({ ...RANGE, rows: number('Rows'), sum: text('The sum of their hashes, decimal') }),
          'Ranges with rows',
        ),
      }),
    }),
  },
  preview: {
    'The rows': document({
      table: TABLE,
      ...RANGE,
      columns: COLUMNS,
      rows: anything('The rows, in the order of the columns; 64-bit numbers and decimals are texts'),
    }),
  },
  log: {
    'The latest runs': document({ runs: list(object({ ...RUN, ...AUTHOR }), 'The runs, newest first') }),
    'With a table or --run': document({
      events: list(object({ ...ATTEMPT, ...AUTHOR }), 'Attempts and events, newest first'),
    }),
  },
  report: { 'The file': document({ file: text('Its path'), bytes: number('Its size') }) },
  info: {
    'Settings and servers': document({
      runtime: text('What runs backfill'),
      settings: list(
        object({
          name: text('The setting'),
          value: text('Its value, passwords masked'),
          origin: text('Where the value comes from'),
        }),
        'The settings',
      ),
      one_server: flag('Whether sources and targets are on one server'),
      compression: text('The compression between two servers'),
      source: SERVER.describe('The server of the sources'),
      target: SERVER.describe('The server of the targets'),
      cluster: nullable(text('The cluster')),
      nodes: nullable(number('Nodes of the cluster')),
    }),
    'Rights, with --grants': document({ grants: texts('Lines of SQL, comments among them') }),
  },
}
