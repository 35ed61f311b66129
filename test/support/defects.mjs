// Owns the defects that a test must notice, each as a small edit of the source: `find` stands there exactly once.

/**
 * `file`: where `find` is looked for, if not in all of src. `test`: the file that has to fail; of it only the tests whose
 * names contain `name`, where there is one.
 */
export const DEFECTS = [
  {
    what: 'rows that are left after a DELETE are no error',
    find: 'if (left > 0)',
    put: 'if (left < 0)',
    test: 'test/clickhouse/target-permissions.server.test.ts',
    name: 'redo says that rows are left',
  },
  {
    what: 'an acceptance is recorded though the blocks have changed since it was planned',
    find: 'if (JSON.stringify(now) !== JSON.stringify(todo))',
    put: 'if (false)',
    test: 'test/commands/accept/accept.server.test.ts',
    name: 'between the question and the answer is not recorded a second time',
  },
  {
    what: 'a revocation is recorded though the blocks have changed since it was planned',
    find: 'if (JSON.stringify(now) !== JSON.stringify(plan))',
    put: 'if (false)',
    test: 'test/commands/accept/accept.server.test.ts',
    name: 'between the question and the answer is not recorded a second time',
  },
  {
    what: 'plain local tables on a shard with several replicas are written to',
    find: 'new Set(nodes).size < nodes.length',
    put: 'false',
    test: 'test/clickhouse/cluster/shard-problem.test.ts',
  },
  {
    what: 'an INSERT may be taken for one that was deleted since',
    find: '  insert_deduplicate: 0,\n',
    put: '',
    test: 'test/clickhouse/stream/stream.server.test.ts',
    name: 'rows that were deleted and come again',
  },
  {
    what: 'a setting above the maximum of the profile is sent all the same',
    find: ' || below(row.max, wanted)',
    put: '',
    test: 'test/clickhouse/source-permissions.server.test.ts',
    name: '[source-constraint] ',
  },
  {
    what: 'SETTINGS of a subquery count for what follows it',
    find: 'depth < clause) clause = undefined',
    put: 'depth < clause) clause = clause',
    test: 'test/project/transform-statement.test.ts',
  },
  {
    what: 'six tries become two',
    find: 'MAX_ATTEMPTS = 6',
    put: 'MAX_ATTEMPTS = 2',
    test: 'test/clickhouse/error-codes.test.ts',
  },
  {
    what: 'a server that is away is waited for three seconds instead of five minutes',
    find: '?? 300_000',
    put: '?? 3_000',
    test: 'test/workspace/run-options.test.ts',
  },
  {
    what: 'a failed range counts as fixed by what was done before it',
    find: 'if(done.3 > failed.3, ',
    put: 'if(true, ',
    test: 'test/commands/log/log.server.test.ts',
    name: 'a run is one line',
  },
  {
    what: 'the same error is printed twice',
    find: '[importance] && !repeated',
    put: '[importance]',
    test: 'test/terminal/reporter.test.ts',
  },
  {
    what: 'the echo of a Ctrl-C kills',
    find: '> ECHO_MS',
    put: '> 0',
    test: 'test/terminal/signals.test.ts',
  },
  {
    what: 'the question for a confirmation is written to a log file',
    find: '!stdin.isTTY || !stderr.isTTY',
    put: '!stdin.isTTY',
    test: 'test/session/confirm.test.ts',
  },
  {
    what: 'a bare host with https gets the port of http',
    find: "protocol === 'https' ? '8443' : '8123'",
    put: "'8123'",
    test: 'test/workspace/server-url.test.ts',
  },
  {
    what: 'redo of a range leaves out what is dirty or invalidated in it',
    find: "'done', 'dirty', 'invalidated'",
    put: "'done'",
    test: 'test/commands/redo/blocks.test.ts',
  },
  {
    what: 'redo does not build what an earlier one left dirty or invalidated',
    find: "union(table.cleaned, inState(table, 'dirty', 'invalidated'))",
    put: 'table.cleaned',
    test: 'test/commands/redo/blocks.test.ts',
  },
  {
    what: 'dependants are not built where their input is only built along',
    find: '[...input.redo, ...input.also]',
    put: '[...input.redo]',
    test: 'test/commands/redo/blocks.test.ts',
  },
  {
    what: 'any source may stand for the one that counts transactions',
    find: 'table === TRANSACTION_TABLE',
    put: 'table.length > 0',
    test: 'test/sources/availability.test.ts',
  },
  {
    what: 'rows that have to be deleted first are only written again',
    find: ' && rows.deletedFirst !== true',
    put: '',
    test: 'test/runner/remedy.test.ts',
  },
  {
    what: 'a fingerprint is written in other words',
    find: 'parts.push(`${source}=',
    put: 'parts.push(`${source}:',
    test: 'test/unit/persisted.test.ts',
  },
  {
    what: 'a fingerprint of the inputs is read in other words',
    find: '=\\((\\d+),(\\d+)\\)',
    put: '=\\((\\d+);(\\d+)\\)',
    test: 'test/unit/persisted.test.ts',
  },
  {
    what: 'a tag is written in other words',
    find: 'return `${reason}-$',
    put: 'return `${reason}:$',
    test: 'test/unit/persisted.test.ts',
  },
  {
    what: 'an acceptance that was taken back is recorded in other words',
    find: "'acceptance revoked'",
    put: "'revoked'",
    test: 'test/unit/persisted.test.ts',
  },
  {
    what: 'the name of a lock has fewer digits',
    find: 'EPOCH_DIGITS = 20',
    put: 'EPOCH_DIGITS = 19',
    test: 'test/unit/persisted.test.ts',
  },
  {
    what: 'the comment of a lock has other words',
    find: 'harmless(JSON.stringify(comment))',
    put: "harmless(JSON.stringify(comment).replace('beats', 'beat'))",
    test: 'test/unit/persisted.test.ts',
  },
  {
    what: 'the hash of a transform is computed of something else',
    find: "!name.startsWith('max_')",
    put: 'name !== undefined',
    test: 'test/unit/persisted.test.ts',
  },
  {
    what: 'an event of the ledger gets another number',
    file: 'sql/ledger/02-ledger.sql',
    find: "'cleaned' = 4, 'invalidated' = 5",
    put: "'cleaned' = 5, 'invalidated' = 4",
    test: 'test/unit/persisted.test.ts',
  },
  {
    what: 'a column of the ledger gets another type',
    file: 'sql/ledger/02-ledger.sql',
    find: 'attempt UInt32',
    put: 'attempt UInt8',
    test: 'test/unit/persisted.test.ts',
  },
]
