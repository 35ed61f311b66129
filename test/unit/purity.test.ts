// Owns the promise that a file of src/ is pure unless it is named here: whoever is not can neither see nor change
// anything but what it is handed. Types do not count, since nothing is left of them when the program runs.
import { readdirSync, readFileSync } from 'node:fs'
import { expect, test } from 'vitest'

/** What is touched, and the files and folders (with a slash at their end) that touch it. */
const TOUCHED_BY: Readonly<Record<string, readonly string[]>> = {
  // Time and chance, through the seam.
  'seam/clock.ts': [
    'clickhouse/client.ts',
    'clickhouse/cluster/cluster.ts',
    'clickhouse/http-transport.ts',
    'clickhouse/retry.ts',
    'clickhouse/silence.ts',
    'clickhouse/write.ts',
    'commands/demo/command.ts',
    'commands/doctor/',
    'commands/import/command.ts',
    'commands/redo/stale-tables.ts',
    'commands/serve/server.ts',
    'commands/status/command.ts',
    'commands/steer/command.ts',
    'commands/test/',
    'commands/try/scratch.ts',
    'commands/verify/verify.ts',
    'commands/wait/command.ts',
    'lock/',
    'runner/grace.ts',
    'runner/node-watch.ts',
    'runner/prepare.ts',
    'runner/query-fate.ts',
    'runner/retry-range.ts',
    'runner/room.ts',
    'runner/throttle.ts',
    'runner/say-outside.ts',
    'runner/up.ts',
    'targets/delete-ranges.ts',
    'targets/shard-deletions.ts',
    'terminal/output.ts',
    'terminal/reporter.ts',
    'terminal/signals.ts',
  ],
  'seam/random.ts': [
    'clickhouse/client.ts',
    'clickhouse/long-parameters.ts',
    'commands/adopt/',
    'clickhouse/retry.ts',
    'commands/accept/',
    'commands/check/existing-table.ts',
    'commands/import/import.ts',
    'commands/rebuild/command.ts',
    'commands/rebuild/rebuild.ts',
    'commands/redo/redo.ts',
    'commands/report/command.ts',
    'commands/verify/',
    'lock/lock.ts',
    'project/written-files.ts',
    'runner/prepare.ts',
    'runner/retry-range.ts',
    'runner/shared-chunks.ts',
    'targets/delete-ranges.ts',
    'terminal/render/printable.ts',
  ],
  'seam/process.ts': [
    'clickhouse/http-agent.ts',
    'clickhouse/server-error.ts',
    'embedded/',
    'ledger/',
    'lock/',
    'main.ts',
    'project/sql-files.ts',
    'terminal/signals.ts',
    'workspace/env-file.ts',
    'workspace/text-file.ts',
  ],
  'new Date()': ['seam/clock.ts'],
  'node:timers': ['seam/clock.ts', 'embedded/embedded-server.ts'],

  // The process, its machine, its folders.
  process: [
    'commands/info/command.ts',
    'embedded/',
    'index.ts',
    'main.ts',
    'project/sql-files.ts',
    'seam/process.ts',
    'terminal/lost-output.ts',
    'terminal/signals.ts',
  ],
  fetch: ['embedded/embedded-server.ts'],
  'node:events': ['terminal/signals.ts'],
  'node:child_process': ['embedded/embedded-server.ts', 'terminal/signals.ts'],
  'node:worker_threads': ['embedded/server-child.ts'],
  'node:module': ['commands/report/page.ts', 'embedded/'],
  'node:os': [
    'commands/import/files/web-files.ts',
    'commands/test/command.ts',
    'seam/process.ts',
    'terminal/signals.ts',
  ],
  'node:v8': ['session/supervised-run.ts'],
  'node:readline': ['session/confirm.ts'],
  'node:fs': [
    'cli/completion/',
    'commands/import/files/',
    'commands/info/command.ts',
    'commands/init/',
    'commands/new/',
    'commands/report/',
    'commands/test/',
    'embedded/',
    'package-folder.ts',
    'project/',
    'seam/process.ts',
    'workspace/',
  ],
  'node:path': [
    'cli/completion/answer.ts',
    'commands/import/',
    'commands/init/',
    'commands/new/',
    'commands/report/',
    'commands/test/',
    'embedded/',
    'project/',
    'session/session.ts',
    'workspace/',
  ],
  'node:url': ['embedded/embedded-server.ts', 'package-folder.ts'],
  'node:async_hooks': ['clickhouse/http-agent.ts'],
  'node:diagnostics_channel': ['clickhouse/'],
  'node:http': ['clickhouse/http-agent.ts', 'commands/import/files/web-files.ts', 'commands/serve/server.ts'],
  'node:https': ['clickhouse/http-agent.ts', 'commands/import/files/web-files.ts'],

  // Bytes and hashes: no effect by themselves.
  'node:stream': ['clickhouse/', 'commands/preview/command.ts', 'terminal/output.ts'],
  'node:string_decoder': ['terminal/output.ts'],
  'node:zlib': ['clickhouse/stream/compression.ts'],
  'node:crypto': [
    'clickhouse/cluster/shard-tables.ts',
    'commands/import/files-port.ts',
    'commands/import/files/',
    'commands/rebuild/workspace.ts',
    'commands/report/page.ts',
    'commands/verify/chunks.ts',
    'embedded/',
    'project/sql-hash.ts',
    'workspace/servers.ts',
    'seam/random.ts',
  ],

  // Packages.
  '@clickhouse/client': [
    'clickhouse/answers.ts',
    'clickhouse/http-agent.ts',
    'clickhouse/http-transport.ts',
    'clickhouse/server-error.ts',
  ],
  kysely: ['clickhouse/', 'commands/verify/stored.ts', 'ledger/', 'lock/', 'sources/', 'targets/'],
  'p-limit': [
    'commands/check/server.ts',
    'commands/import/files/web-files.ts',
    'commands/verify/verify.ts',
    'ledger/writer.ts',
    'project/sql-files.ts',
    'runner/recover.ts',
    'runner/slots.ts',
  ],
  cac: ['cli/command-line.ts'],
  diff: ['commands/diff/command.ts', 'commands/report/network.ts'],
  'ffi-rs': ['embedded/server-child.ts', 'embedded/wall.ts'],
  hyparquet: ['commands/import/files/parquet-file.ts'],
  'log-update': ['terminal/reporter.ts'],
  picocolors: ['commands/test/command.ts', 'terminal/render/printable.ts'],
  yaml: ['commands/test/yaml-tree.ts'],
}

const IMPORT = /^(?:import|export)\s+(?!type\s)(?:([\w\s{},*$]+?)\s+from\s+)?'([^']+)'|import\('([^']+)'\)/gm
const TYPES_ONLY = /^\{(\s*type\s[^,}]+,?)+\s*\}$/
const SEAM = /seam\/(clock|random|process)\.ts$/
const GLOBALS: Readonly<Record<string, RegExp>> = {
  process: /(?<!seam\/)\bprocess\.\w/,
  fetch: /\bawait fetch\(/,
  console: /\bconsole\.\w/,
  globalThis: /\bglobalThis\b/,
  'new Date()': /\bnew Date\(\)/,
}

/** `node:fs` for `node:fs/promises`; undefined for a module of our own that is not the seam. */
function outside(module: string): string | undefined {
  const seam = SEAM.exec(module)
  if (seam !== null) return seam[0]
  if (module.startsWith('.')) return undefined
  return module.split('/', module.startsWith('@') ? 2 : 1).join('/')
}

function touchedBy(file: string): readonly string[] {
  const text = readFileSync(`src/${file}`, 'utf8')
  const modules = [...text.matchAll(IMPORT)].flatMap(([, names = '', from, dynamic]) =>
    TYPES_ONLY.test(names) ? [] : (outside((from ?? dynamic)!) ?? []),
  )
  const code = text.replaceAll(/\/\*[\s\S]*?\*\/|(?<!:)\/\/.*$/gm, '')
  const globals = Object.entries(GLOBALS).flatMap(([name, use]) => (use.test(code) ? [name] : []))
  return [...new Set([...modules, ...globals])]
}

const files = readdirSync('src', { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.ts'))
const uses = files.flatMap((file) => touchedBy(file).map((what) => ({ file, what })))

const covers = (place: string, file: string) =>
  place.endsWith('/') ? file.startsWith(place) : file === place

test('a file that is not named touches nothing outside', () => {
  const unnamed = uses.filter(
    ({ file, what }) => !(TOUCHED_BY[what] ?? []).some((place) => covers(place, file)),
  )
  expect(unnamed).toEqual([])
})

test('whatever is named is touched there', () => {
  const idle = Object.entries(TOUCHED_BY).flatMap(([what, places]) =>
    places
      .filter((place) => !uses.some((use) => use.what === what && covers(place, use.file)))
      .map((place) => `${place}: ${what}`),
  )
  expect(idle).toEqual([])
})
