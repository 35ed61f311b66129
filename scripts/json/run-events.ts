// Owns the JSON documents of a run: one line for each event.
import { z } from 'zod'
import {
  blocks,
  ENVELOPE,
  ERROR,
  EXPECTED_MS,
  flag,
  HOLD,
  list,
  maybe,
  nullable,
  number,
  object,
  oneOf,
  RANGE,
  STALE,
  TABLE,
  TARGET,
  text,
  texts,
  TIME,
  VERIFICATION,
} from './parts.ts'

/** A document with the key `event`. */
export const event = (name: string, keys: z.ZodRawShape) =>
  object({ ...ENVELOPE, event: z.literal(name).describe('The event'), ...keys })

const ABOUT = { table: nullable(TABLE), text: text('A sentence') }

const RUN_ID = text('The id of the run')

/** What is reported before the run began has no id. */
const inRun = (name: string, keys: z.ZodRawShape) => event(name, { run_id: maybe(RUN_ID), ...keys })

const SUMMARY = {
  run_id: RUN_ID,
  chunks: number('Chunks done'),
  blocks: number('Blocks done, of the tables that count blocks'),
  seconds: number('Seconds done, of the tables that count seconds'),
  rows_written: number('Rows written'),
  elapsed_ms: TIME('How long the run took'),
  stale: STALE,
  failed: list(object({ table: TABLE, error: ERROR }), 'Tables that stopped, with their errors'),
  interrupted: flag('A signal ended the run before everything was done'),
  out_of_time: flag('The time of --max-runtime ended before everything was done'),
  target: text('The database of the tables, and its server'),
}

/** Why a table or a run stands still; the words are those of src/model/standstill.ts. */
export const STANDSTILL = {
  reason: oneOf(
    ['source', 'incomplete', 'lock', 'input', 'disk', 'paused', 'load', 'silent', 'unreachable', 'delete'],
    'The reason',
  ),
  block: maybe(number('Of `source`, `incomplete` and `input`: the block')),
  blocks: maybe(number('Of `incomplete`: how many blocks')),
  host: maybe(text('Of `lock`: the host of its holder')),
  pid: maybe(number('Of `lock`: the process of its holder')),
  input: maybe(text('Of `input`: the table')),
  failed: maybe(flag('Of `input`: whether it failed there')),
  others: maybe(
    list(
      object({
        input: text('The table'),
        block: number('The block'),
        failed: flag('Whether it failed there'),
      }),
      'Of `input`: the other inputs that are waited for',
    ),
  ),
  found: maybe(
    text('Of `disk`, `paused`, `load` and `delete`: what was found; in `status` of `unreachable`, too'),
  ),
  server: maybe(text('Of `unreachable`: `source`, `target`, or a node of its cluster')),
  for_ms: maybe(TIME('Of `silent`: how long the server has not answered')),
  give_up_ms: maybe(TIME('Of `unreachable`: how long it is waited for')),
}

const STANDS_STILL = nullable(object(STANDSTILL).describe('Why nothing goes on'))
const STANDSTILL_TEXT = maybe(text('The reason in words; without it nothing stands still'))

/** The events of `up`, in the order in which they may come. */
export const EVENTS = {
  'The run began': event('run', {
    run_id: RUN_ID,
    target: text('The database of the tables, and its server'),
    source: text('The database of the sources, and its server if it is another one'),
    servers: text('The versions of the servers'),
  }),
  'A table was created': inRun('created', { table: TABLE, target: TARGET }),
  'Something to know': inRun('note', ABOUT),
  'Something to look at': inRun('warning', ABOUT),
  'Runs are held back': inRun('throttled', { ...ABOUT, hold: nullable(HOLD) }),
  'Nothing holds it back any more': inRun('released', { ...ABOUT, hold: nullable(HOLD) }),
  'The work of a table': inRun('table', {
    table: TABLE,
    missing_blocks: number('Blocks to run'),
    done_blocks: number('Blocks that are done'),
  }),
  'A chunk began': inRun('chunk-started', { table: TABLE, ...RANGE, query_id: text('The id of its INSERT') }),
  'A chunk is done': inRun('chunk-done', {
    table: TABLE,
    ...RANGE,
    rows_written: number('Rows written'),
    rows_read: number('Rows read'),
    elapsed_ms: TIME('How long it took'),
    chunk: number('How many chunks are done'),
    chunks: number('How many chunks there are, as far as is known'),
  }),
  'Something stands still, or goes on': inRun('standstill', {
    table: nullable(text('The table key; null if it is the whole run')),
    standstill: STANDS_STILL,
    text: STANDSTILL_TEXT,
  }),
  'A chunk failed': inRun('chunk-failed', { table: TABLE, ...RANGE, error: ERROR }),
  'A table stopped': inRun('table-failed', { table: TABLE, error: ERROR }),
  'Blocks were left out': inRun('skipped', {
    tables: texts('The tables'),
    source_gaps: blocks('Blocks that no source has'),
    incomplete: blocks('Blocks that some sources have and others lack'),
  }),
  'Blocks wait for other tables': inRun('waiting', {
    table: TABLE,
    blocks: number('Blocks, or seconds, that wait'),
    unit: oneOf(['block', 'second'], 'What ranges count'),
    on: texts('The tables that they wait for'),
    standstill: STANDS_STILL,
    text: STANDSTILL_TEXT,
    hint: nullable(text('The command that builds these as well; null: the run was asked for them')),
  }),
  'The run ended': event('summary', SUMMARY),
}

/** The report of a rebuild. */
export const REBUILT = event('rebuild', {
  table: TABLE,
  target: TARGET,
  outcome: oneOf(['swapped', 'finished', 'dropped', 'incomplete', 'different'], 'How it ended'),
  kept: nullable(text('The name of the old table, if it is kept')),
  dropped: texts('Tables that were dropped'),
  verification: nullable(object(VERIFICATION).describe('The comparison of a sample, as of `verify`')),
  stale_dependants: list(
    object({ table: TABLE, ranges: blocks('Ranges that were computed from the old table') }),
    'Tables that read this one',
  ),
})

export const REBUILD_PLAN = {
  table: TABLE,
  present: text('The table that is exchanged'),
  building: texts('New tables that an earlier call began'),
  exchanged: texts('Old tables that an earlier call exchanged and did not rename'),
  old: texts('Old tables that earlier rebuilds kept'),
  missing_blocks: number('Blocks to build'),
  chunks: number('Chunks to build'),
  expected_rows: number('Source rows to read'),
  expected_ms: EXPECTED_MS,
}

const REDO_TABLES = list(
  object({
    table: TABLE,
    target: TARGET,
    deletes: flag('Whether rows are deleted first'),
    redo: blocks('Blocks to build again'),
    outside: blocks('Those of them that the table holds no more: not built again'),
    also: blocks('Missing blocks that are built as well'),
    gone: blocks('Blocks that stay as they are'),
    why_gone: nullable(text('Why they stay')),
    rows: number('Rows to delete, before merging'),
    table_rows: nullable(number('Rows of the table, before merging')),
    views: texts('Materialized views that read the table'),
    expected_ms: EXPECTED_MS,
  }),
  'The tables, in the order of the work',
)

export const REDO_PLAN = event('plan', {
  head: number('The highest block to build again'),
  tables: REDO_TABLES,
})

export const STALE_PLAN = event('plan', {
  tables: REDO_TABLES,
  rebuilds: list(object(REBUILD_PLAN), 'Tables to rebuild'),
  left: list(object({ table: TABLE, error: ERROR }), 'Tables that stay stale, and why'),
})
