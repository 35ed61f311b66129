// Owns the proof that histories bite: takes each guard of the chunk protocol out of a copy of the source and plays histories
// until one fails. `node test/simulation/guards.mjs [--minutes M] [words of a guard]`; the last line is `N of N were found`.
import { spawnSync } from 'node:child_process'
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../..', import.meta.url))

/** `find` stands exactly once in the file. */
const GUARDS = [
  ['the fence of an INSERT', 'runner/executor.ts', '\\n)\\nWHERE ${fence.text}`', '\\n)`'],
  [
    'the fence of the ledger',
    'ledger/append.ts',
    '      where: withParams(fences(lockNames, names).compile(server.db)),\n',
    '',
  ],
  ['the fence of a checkpoint', 'ledger/writer.ts', '              .where(fenced),\n', ''],
  [
    'the fence of a DELETE',
    'targets/delete-ranges.ts',
    'WHERE ${rowsIn(table, ranges)} AND ${fence({ lockName: lock.name, names })}`',
    'WHERE ${rowsIn(table, ranges)}`',
  ],
  ['the next epoch after a lost answer', 'runner/retry-range.ts', 'if (lost) await run.lock!.renew()', ''],
  ['the next epoch after a DELETE', 'runner/recover.ts', '    await lock.renew()\n', ''],
  [
    'running statements of a dead run are ended',
    'runner/recover.ts',
    'await queries.end(attempts.map(({ queryId }) => queryId))',
    '',
  ],
  [
    'waiting deletions of a dead run are ended',
    'runner/recover.ts',
    'await ports.executor.endDeletions(table, lock)',
    '',
  ],
  ['half-written rows are deleted', 'runner/recover.ts', "? 'rerun' : 'clean'", "? 'rerun' : 'rerun'"],
  [
    '`started` is acknowledged before the INSERT',
    'runner/chunk.ts',
    "await ledger.append(lock, event('started', {}), retryPolicy)",
    "void ledger.append(lock, event('started', {}), retryPolicy).catch(() => undefined)",
  ],
  [
    '`started` is recorded at all',
    'runner/chunk.ts',
    "  await ledger.append(lock, event('started', {}), retryPolicy)\n",
    '',
  ],
  [
    'a failed range is recovered before it runs again',
    'runner/retry-range.ts',
    'await recover(run, [range], context)',
    '',
  ],
  [
    'dirty ranges of earlier runs are recovered',
    'runner/table-steps.ts',
    'if (dirty.length > 0) report',
    'if (dirty.length < 0) report',
  ],
  [
    'the ledger is read again under the lock',
    'runner/table-steps.ts',
    'run.unprobed = subtract(run.unprobed, covered)\n  run.runnable = subtract(run.runnable, covered)',
    '',
  ],
  [
    'an INSERT that failed is no success',
    'runner/query-fate.ts',
    "end.type === 'QueryFinish' ? end : undefined",
    'end',
  ],
  [
    'a lost statement is waited for',
    'runner/query-fate.ts',
    'while ((await running([queryId])).length > 0) await sleep(POLL_MS)',
    '',
  ],
  [
    'what is killed is looked for until it is gone',
    'runner/query-fate.ts',
    'left.length > 0; left = await running(queryIds))',
    'left.length > 0; left = [])',
  ],
  [
    'one of several runners gets the lock',
    'lock/store.ts',
    "if (`'${found?.comment}'` !== words) return false",
    '',
  ],
  [
    'a retried lock is claimed by the words of its first try',
    'lock/store.ts',
    'claims.get(name) ?? comment',
    'comment',
  ],
  ['a living holder keeps its lock', 'lock/watch.ts', 'STALE_AFTER_MS = 20_000', 'STALE_AFTER_MS = 0'],
  [
    'a dead holder loses its lock',
    'lock/watch.ts',
    'if (monotonicMs() - at >= STALE_AFTER_MS) return found',
    '',
  ],
  [
    'a run knows under its lock whether the table is still the same',
    'runner/table-steps.ts',
    'assertSameTable(table, uuids.get(key), present)',
    '',
  ],
  ['a rebuild holds its lock anew before it exchanges', 'commands/rebuild/swap.ts', 'await lock.renew()', ''],
  [
    'a rebuild gives its new table a name of its epoch before it exchanges',
    'commands/rebuild/swap.ts',
    'const name = readyName(build, lock.epoch)',
    'const name = readyName(build, 1)',
  ],
  [
    'a rebuild that was exchanged is finished, not begun again',
    'commands/rebuild/swap.ts',
    "if (isOf(uuid, role.replaces)) return 'replaced'",
    "if (isOf(uuid, role.replaces)) return 'others'",
  ],
  ['a lock is released', 'lock/lock.ts', 'await writeComment(true)', ''],
  ['a lock beats', 'lock/lock.ts', 'every(HEARTBEAT_MS, () => void writeComment(false))', '() => undefined'],
  [
    'inputs are looked at again before `done`',
    'runner/chunk-inputs.ts',
    'if (changes.length > 0)',
    'if (changes.length < 0)',
  ],
  [
    'a replaced table is noticed before `done`',
    'runner/chunk-inputs.ts',
    'if (tables.get(name)?.uuid !== uuid) throw',
    'if (false) throw',
  ],
  [
    'an event is sent again with its own number',
    'ledger/writer.ts',
    '      seq: lock.nextSeq(),\n',
    '      seq: 1,\n',
  ],
  [
    'dependants wait for their inputs',
    'runner/up.ts',
    'covered: readableBlocks(run.tableStatus.table, input, runs.get(key)?.covered),',
    'covered: expected === undefined ? [] : [expected],',
  ],
  [
    'a checkpoint moves on only what has not changed',
    'ledger/advance.ts',
    'read.filter((hull) => touched(hull.key, hull).length > 0)',
    'read.filter(() => false)',
  ],
  [
    'events of inputs make ranges stale',
    'planning/stale-ranges.ts',
    'presentInput(table.table, facts.get(key)!, changes.get(key) ?? [])',
    'presentInput(table.table, facts.get(key)!, [])',
  ],
  [
    'a redo records `invalidated` first',
    'commands/redo/redo.ts',
    "await ports.ledger.appendEach(locks.get(key)!, { event: 'invalidated', ...declared }, retryPolicy)",
    'void [locks.get(key), declared, retryPolicy]',
  ],
  [
    'rows that a redo asks for are deleted',
    'ledger/attempts.ts',
    'intersect(blocks, invalidated).length > 0',
    'false',
  ],
  [
    'a lost connection is retried',
    'ledger/append.ts',
    'retryPolicy === undefined ? send() : withRetry({ queries, retryPolicy, small: true }, send)',
    'send()',
  ],
  [
    'rows are counted again after the ledger was read',
    'planning/absence.ts',
    ' && (await rowsNow(ports, table, target)) === 0',
    '',
  ],
]

const words = process.argv
  .slice(2)
  .filter((word, index, all) => !word.startsWith('--') && all[index - 1] !== '--minutes')
const minutes = process.argv.includes('--minutes')
  ? process.argv[process.argv.indexOf('--minutes') + 1]
  : '10'
const chosen = GUARDS.filter(([what]) => what.includes(words.join(' ')))
const scratch = mkdtempSync(join(tmpdir(), 'backfill-guards-'))
let found = 0
try {
  for (const part of ['src', 'test', 'sql', 'package.json', 'tsconfig.json'])
    cpSync(join(root, part), join(scratch, part), { recursive: true })
  symlinkSync(join(root, 'node_modules'), join(scratch, 'node_modules'))
  for (const [what, name, find, put] of chosen) {
    const file = join(scratch, 'src', name)
    const text = readFileSync(file, 'utf8')
    if (text.split(find).length !== 2) {
      console.log(
        `does not fit: ${what}: '${find}' stands ${text.split(find).length - 1} times in src/${name}`,
      )
      continue
    }
    writeFileSync(
      file,
      text.replace(find, () => put),
    )
    const began = performance.now()
    const command = ['test/simulation/simulate.ts', '--minutes', minutes, '--seed', '1', '--first']
    const { status, stdout } = spawnSync(process.execPath, command, { cwd: scratch, encoding: 'utf8' })
    writeFileSync(file, text)
    const seconds = Math.round((performance.now() - began) / 1000)
    const why = /BROKEN: (.*)/.exec(stdout)?.[1]?.slice(0, 120) ?? ''
    if (status === 1) found++
    console.log(`${status === 1 ? 'found' : 'NOT FOUND'} in ${seconds} s: ${what}${why && `: ${why}`}`)
  }
} finally {
  rmSync(scratch, { recursive: true })
}
console.log(`${found} of ${chosen.length} were found`)
process.exitCode = found === chosen.length ? 0 : 1
