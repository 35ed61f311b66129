// Owns the JSON documents of the commands about SQL files.
import { z } from 'zod'
import {
  blocks,
  anything,
  document,
  list,
  nullable,
  number,
  object,
  oneOf,
  ROWS_KIND,
  TABLE,
  tables,
  text,
  texts,
  TIME,
  time,
  flag,
  type Documents,
} from './parts.ts'

const FINDING = object({
  rule: text('The id of the rule: docs/reference/checks.md'),
  name: text('Its name'),
  severity: oneOf(['error', 'warning'], 'Whether it fails the check'),
  file: text('The file'),
  line: number('The line, from 1'),
  message: text('A sentence'),
  hint: text('What to change'),
})

const COST = object({
  elapsed_ms: z.number().describe('In ms'),
  rows: number('Rows'),
  bytes: z.number().describe('On the disk'),
})

/** Command -> what a document says -> its schema. */
export const FILES: Readonly<Record<string, Documents>> = {
  init: {
    'The files': document({
      written: texts('The files that were written'),
      kept: texts('The files that were there, and stay as they are'),
    }),
  },
  try: {
    'What the edit changes': document({
      blocks: blocks('The blocks that were computed'),
      tables: tables({
        edited: flag('Whether its own SQL is edited'),
        same: number('Rows that stay the same'),
        changed: number('Rows that change'),
        new: number('Rows that are new'),
        gone: number('Rows that go'),
        columns: z.record(z.string(), z.int()).describe('Column -> rows in which it changes'),
        added: texts('Columns that the file has and the table has not'),
        dropped: texts('Columns that the table has and the file has not'),
        examples: list(
          object({
            before: nullable(z.array(z.string().nullable()).describe('The row now')),
            after: nullable(z.array(z.string().nullable()).describe('The row after the edit')),
          }),
          'Some of the rows that differ',
        ),
        cost: COST.describe('What computing these blocks took'),
        whole: COST.describe('What all done blocks would take, by the same measure'),
      }),
      left: tables({ why: text('Why it cannot be tried') }),
    }),
  },
  list: {
    'The tables': document({
      tables: tables({
        target: text('The table, without its database'),
        description: text('What it holds'),
        unit: oneOf(['block', 'second'], 'What ranges count'),
        rows: ROWS_KIND,
        first: nullable(text('The first block, as the header names it')),
        last: nullable(text('The last block, as the header names it')),
        sources: texts('Source tables that it reads'),
        after: texts('Derived tables that it reads'),
        lookups: texts('Tables that it reads whole'),
        tags: texts('Tags of its header'),
        files: texts('The files of its DDL and its transform'),
      }),
    }),
    'With --orphans': document({
      orphans: list(
        object({
          table: TABLE,
          target: nullable(text('Its table with the database; null if it is gone')),
          events: number('Events of the network in the ledger'),
          last_event: time('The last event'),
        }),
        'Tables that the ledger knows and no SQL folder has',
      ),
    }),
  },
  check: {
    'The findings': document({
      tables: texts('Tables that were checked'),
      tests: number('Unit tests that were read'),
      server: nullable(text('The target that was asked: database and URL')),
      fixed: texts('Files that --fix wrote'),
      not_asked_about: texts('Tables that no server was asked about'),
      findings: list(FINDING, 'What is wrong'),
      errors: number('Errors'),
      warnings: number('Warnings'),
    }),
  },
  test: {
    'The results': document({
      tests: tables({
        test: text('The name of the test'),
        file: text('Its file'),
        passed: flag('Whether it passed'),
        elapsed_ms: TIME('How long it took'),
        error: nullable(text('The error of the server')),
        columns: texts('The columns of the rows'),
        missing: anything('Expected rows that were not found; 64-bit numbers are texts'),
        unexpected: anything('Found rows that were not expected'),
      }),
      passed: number('Tests that passed'),
      failed: number('Tests that failed'),
      elapsed_ms: TIME('How long all took'),
    }),
  },
}
