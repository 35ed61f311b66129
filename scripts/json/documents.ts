// Owns the JSON documents of every command, as zod schemas: command -> what a document says -> its keys.
import { z } from 'zod'
import { FILES } from './files.ts'
import { LOOKING } from './look.ts'
import { STEERING } from './steer.ts'
import { EVENTS, event, REBUILD_PLAN, REBUILT, REDO_PLAN, STALE_PLAN, STANDSTILL } from './run-events.ts'
import {
  blocks,
  document,
  ERROR,
  EXPECTED_MS,
  flag,
  HOLDS,
  list,
  LOCK,
  nullable,
  number,
  object,
  oneOf,
  RANGE,
  STALE,
  STALE_VERSIONS,
  TABLE,
  tables,
  TARGET,
  text,
  texts,
  time,
  VERIFICATION,
  type Documents,
} from './parts.ts'

/** What any command prints, whatever it is. */
export const FAILURE = event('error', { exit_code: number('The exit code of the command'), error: ERROR })

const KEPT = nullable(
  object({ blocks: blocks('The blocks'), age_ms: number('How long ago') }).describe(
    'Source gaps and incomplete blocks that a run found earlier, and whose source rows are still the same',
  ),
)

const STATUS = document({
  head: nullable(number('The newest block up to which tables are expected')),
  newest: nullable(number('The newest block of the sources')),
  lag: number('The distance that is kept from it, in blocks'),
  source_age_seconds: z
    .record(z.string(), z.int())
    .describe('The age of the newest rows of each bounding source; below 0: dated in the future'),
  other_networks: nullable(texts('Where no source has rows of the network: the networks that they have')),
  tables: tables({
    target: TARGET,
    target_uuid: nullable(text('The UUID of the table; null if it does not exist')),
    after: texts('The derived tables that it reads'),
    unit: oneOf(['block', 'second'], 'What ranges count'),
    state: text('The state: docs/reference/status.md'),
    first: nullable(number('The first expected block')),
    head: nullable(number('The last expected block')),
    newest: nullable(number('The newest block that all of its sources have')),
    watermark: nullable(number('The end of the unbroken run of done blocks from the first one on')),
    covered: blocks('Done or accepted blocks'),
    accepted: blocks('Accepted blocks'),
    arrived: blocks('Accepted blocks in which rows have arrived'),
    missing: blocks('Expected blocks that are not done, without source gaps and incomplete blocks'),
    missing_blocks: number('Their number'),
    done_blocks: number('Done blocks of the expected ones'),
    expected_blocks: number('Expected blocks, without source gaps and incomplete blocks'),
    source_gaps: blocks('Blocks that no source has'),
    incomplete: blocks('Blocks that some sources have and others lack'),
    unprobed: blocks('Missing blocks whose sources were not looked at'),
    kept: KEPT,
    holds: HOLDS,
    source_head: nullable(number('The last block that the sources allow; null: no source has rows')),
    limit: nullable(number('The last block that the table may ever have; null: no limit')),
    in_progress: blocks('Blocks of attempts of the run that holds the lock'),
    dirty: blocks('Blocks that may be partly written'),
    last_failure: nullable(
      object({
        from: number('The first block of the attempt'),
        to: number('Its last block'),
        at: time('When it failed'),
        error: text('Its error'),
      }).describe('The last error of an attempt at dirty blocks; null: it was killed, or lost its server'),
    ),
    expected_ms: EXPECTED_MS,
    stale: blocks('Done blocks that would be computed differently now'),
    stale_versions: STALE_VERSIONS,
    sql_hash: text("The hash of the file's SQL"),
    hint: nullable(text('The command that builds stale ranges again; null where nothing is stale')),
    rows: nullable(number('Rows of the table, before merging')),
    may_merge: flag('Whether merges may make fewer of them'),
    events_since_checkpoint: number('Events of the ledger that the next start has to read'),
    last_run: nullable(time('The last event of the table')),
    lock: LOCK,
    standstill: nullable(
      object({ ...STANDSTILL, text: text('The reason in words') }).describe(
        'Why nothing more is done now; null if a run would do more',
      ),
    ),
    absences: list(
      object({ state: text('The state of absence'), text: text('A sentence') }),
      'States of absence, the worst first',
    ),
    misfit: nullable(
      text('Why `up` does not write to the table: not as its file says, or of another source database'),
    ),
    notes: texts('Sentences about the table'),
  }),
  check: object({
    exit: number('The exit code'),
    reasons: list(
      object({ table: TABLE, exit: number('The exit code of this reason alone'), text: text('A phrase') }),
      'What is not well',
    ),
  })
    .optional()
    .describe('With --check: the verdict'),
})

const BLOCK = document({
  block: number('The block'),
  tables: tables({
    state: text('What the block is in the table'),
    built: nullable(
      object({
        run: text('The id of the run'),
        sql_hash: text('The hash of the SQL, with its stale tag'),
        at: time('When it was recorded'),
        by: text('ClickHouse user and host'),
      }),
    ),
    lacking: texts('The sources that have no row of the block'),
    text: text('A phrase'),
  }),
})

const PLAN = document({
  steering: HOLDS,
  jobs: number('Statements at the same time'),
  free: nullable(object({ disk: text('The disk with the least room'), bytes: number('Its free bytes') })),
  stale: STALE,
  tables: tables({
    missing_blocks: number('Blocks to run'),
    expected_rows: number('Source rows to read'),
    expected_ms: EXPECTED_MS,
    expected_bytes: nullable(number('Bytes that will be written, by earlier chunks')),
    chunks: list(
      object({
        ...RANGE,
        reason: text('Why it runs'),
        expected_rows: number('Source rows to read'),
        expected_ms: EXPECTED_MS,
      }),
      'The chunks, in their order',
    ),
    source_gaps: blocks('Blocks that no source has'),
    incomplete: blocks('Blocks that some sources have and others lack'),
    unprobed: blocks(
      'Missing blocks that were not probed: their rows are estimated, and some of them may not run',
    ),
    kept: KEPT,
    dirty: blocks('Blocks that are recovered first'),
    create: flag('Whether the table is created first'),
    left_out: nullable(oneOf(['stopped', 'waiting'], 'Why no chunk of it runs, unless nothing is left')),
    notes: texts('Sentences about the table'),
  }),
})

/** Every command that has --json; what each also prints if it fails stands in none of them. */
const RESULTS: Readonly<Record<string, Documents>> = {
  status: { 'The status': STATUS, 'With --at': BLOCK },
  plan: { 'The plan': PLAN },
  up: { 'With --dry-run': PLAN, ...EVENTS },
  run: EVENTS,
  redo: {
    'The plan, first': REDO_PLAN,
    'The plan of --stale without a table': STALE_PLAN,
    ...EVENTS,
    'The report of a rebuild': REBUILT,
  },
  rebuild: { 'With --dry-run': document(REBUILD_PLAN), ...EVENTS, 'The report of the rebuild': REBUILT },
  import: {
    'With --dry-run': document({
      ...RANGE,
      tables: tables({
        target: TARGET,
        create: flag('Whether the table is created first'),
        done: blocks('Blocks that were imported before'),
        changed: blocks('Blocks of files that changed since'),
        files: number('Files to fetch'),
        blocks: blocks('Their blocks'),
        missing: blocks('Blocks without a file'),
        bytes: number('Bytes to fetch'),
      }),
    }),
    ...EVENTS,
  },
  demo: { ...EVENTS, 'The status, last': STATUS },
  'create-tables': {
    'The tables': document({ tables: tables({ target: TARGET, created: flag('Whether it is new') }) }),
  },
  accept: {
    'What was accepted, or revoked': document({
      parts: list(
        object({ table: TABLE, word: text('What the blocks are'), blocks: blocks('The blocks') }),
        'Blocks of the range, by table',
      ),
      tables: texts('Tables for which something is, or would be, recorded'),
      recorded: flag('Whether it was recorded'),
    }),
  },
  adopt: {
    'What was adopted': document({
      table: TABLE,
      outcome: oneOf(['adopted', 'dry-run', 'different'], '`different`: nothing was recorded'),
      blocks: blocks('Blocks that are, or would be, recorded as done'),
      from_uuid: nullable(text('The earlier UUID whose history was taken over')),
      verification: object(VERIFICATION).describe('The comparison of a sample, as of `verify`'),
    }),
  },
  ...STEERING,
  ...FILES,
  ...LOOKING,
  doctor: {
    'The findings': document({
      ok: number('Findings that are well'),
      warn: number('Warnings'),
      fail: number('Failures'),
      checks: list(
        object({
          check: text('The check: docs/reference/doctor.md'),
          group: text('Its group'),
          status: oneOf(['ok', 'warn', 'fail'], 'The result'),
          subject: text('A server, a table, a disk; empty for all'),
          finding: text('A sentence'),
          hint: nullable(text('What to type; null where all is well')),
        }),
        'The findings',
      ),
    }),
  },
  new: { 'The files': document({ files: texts('The files that were written') }) },
}

/** Command -> what a document says -> its schema; the error last. */
export const DOCUMENTS: Readonly<Record<string, Documents>> = Object.fromEntries(
  Object.entries(RESULTS).map(([command, documents]) => [
    command,
    { ...documents, 'The command failed': FAILURE },
  ]),
)
