// Owns the proof that tests bite: puts each defect of support/defects.mjs into a copy of the source and runs the test
// that has to fail. `npm run mutations`; `-- <words of a defect>` for some of them, `-- --pure` for those whose tests start
// no server, `-- --servers` for the others, `-- --kinds` for the kinds of docs/kinds.md. The last line is `N of N failed as they must`; the exit code is 1 where it is fewer, or where a defect no longer fits.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  chmodSync,
  cpSync,
  globSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { DEFECTS } from './support/defects.mjs'
import { DEFECTS_OF_ATTACKS } from './support/defects-of-attacks.mjs'
import { DEFECTS_OF_CLICKHOUSE } from './support/defects-of-clickhouse.mjs'
import { DEFECTS_OF_KINDS } from './support/defects-of-kinds.mjs'
import { DEFECTS_OF_RANGES } from './support/defects-of-ranges.mjs'
import { DEFECTS_OF_STRANGERS } from './support/defects-of-strangers.mjs'
import { DEFECTS_OF_SURROUNDINGS } from './support/defects-of-surroundings.mjs'
import { DEFECTS_OF_OPERATORS } from './support/defects-of-operators.mjs'
import { DEFECTS_OF_TABLES } from './support/defects-of-tables.mjs'

const repository = fileURLToPath(new URL('..', import.meta.url))
const endWithParent = new URL('../scripts/end-with-parent.mjs', import.meta.url).href
/** Copies that are worked on side by side. */
const COPIES = 2
/** A test of which a defect makes a wait without end has failed; vitest cannot end one that blocks its process. More than its own limit of a test. */
const HANGS_MS = 330_000

const PURE = '--pure'
const SERVERS = '--servers'
const KINDS = '--kinds'
const typed = process.argv.slice(2)
const words = typed.filter((word) => ![PURE, SERVERS, KINDS].includes(word)).join(' ')
const startsServer = ({ test }) => test.includes('.server.')
const chosen = [
  ...DEFECTS,
  ...DEFECTS_OF_RANGES,
  ...DEFECTS_OF_KINDS,
  ...DEFECTS_OF_CLICKHOUSE,
  ...DEFECTS_OF_SURROUNDINGS,
  ...DEFECTS_OF_STRANGERS,
  ...DEFECTS_OF_ATTACKS,
  ...DEFECTS_OF_OPERATORS,
  ...DEFECTS_OF_TABLES,
].filter(
  (defect) =>
    defect.what.includes(words) &&
    !(typed.includes(PURE) && startsServer(defect)) &&
    !(typed.includes(SERVERS) && !startsServer(defect)) &&
    !(typed.includes(KINDS) && defect.kind === undefined),
)
const scratch = mkdtempSync(join(tmpdir(), 'backfill-mutations-'))
// Some tests run the program as another user.
chmodSync(scratch, 0o755)
const running = new Set()
process.on('exit', () => {
  for (const child of running) endGroup(child)
  // Workers of a test runner see its end a moment later, and may write until then.
  rmSync(scratch, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 })
})
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => process.exit(130))

process.exitCode = (await main()) ? 0 : 1

/** Whether every chosen defect fits the source and is caught. */
async function main() {
  if (chosen.length === 0) return say(`no defect is called '${words}'`)
  const misfits = chosen.flatMap((defect) => misfit(defect) ?? [])
  for (const sentence of misfits) say(sentence)
  if (misfits.length > 0) return false

  const copies = Array.from({ length: COPIES }, (_, index) => copyTree(join(scratch, String(index))))
  // A test that fails without a defect proves nothing with one.
  const pure = chosen.filter((defect) => !startsServer(defect))
  const slow = chosen.filter(startsServer)
  const sound = await Promise.all([runTests(copies[0], pure), runTests(copies[1], slow)])
  const broken = sound.flatMap(({ failed }) => failed)
  for (const name of broken) say(`fails without any defect: ${name}`)
  if (broken.length > 0) return false

  // The slow ones first, so that no copy waits for another at the end.
  const left = [...slow, ...pure]
  let caught = 0
  await Promise.all(
    copies.map(async (copy) => {
      for (let defect = left.shift(); defect !== undefined; defect = left.shift())
        if (await isCaught(copy, defect)) caught++
    }),
  )
  say(`${caught} of ${chosen.length} failed as they must`)
  return caught === chosen.length
}

async function isCaught(copy, defect) {
  const [file] = filesWith(defect)
  const path = join(copy, file)
  const text = readFileSync(path, 'utf8')
  writeFileSync(
    path,
    text.replace(defect.find, () => defect.put),
  )
  try {
    const { passed, failed } = await runTests(copy, [defect], HANGS_MS)
    if (failed.length === 0)
      say(`NOT NOTICED: ${defect.what} (${file}), by ${passed} tests of ${defect.test}`)
    else say(`failed as it must: ${defect.what}`)
    return failed.length > 0
  } finally {
    writeFileSync(path, text)
  }
}

/** How many of the tests of these defects passed, and the names of those that failed. Throws where none ran. All have failed if it takes longer than `limitMs`. */
async function runTests(copy, defects, limitMs) {
  if (defects.length === 0) return { passed: 0, failed: [] }
  const report = join(copy, 'report.json')
  const names = defects.map(({ name }) => name)
  const filter = names.includes(undefined) ? [] : ['-t', names.map(escaped).join('|')]
  const files = [...new Set(defects.map(({ test }) => test))]
  const vitest = join(copy, 'node_modules/vitest/vitest.mjs')
  const args = [vitest, 'run', ...files, ...filter, '--reporter=json', `--outputFile=${report}`]
  const child = spawn(process.execPath, ['--import', endWithParent, ...args], {
    cwd: copy,
    stdio: ['ignore', 'ignore', 'pipe'],
    detached: true, // a group, so that workers that hang end with it
  })
  let stderr = ''
  child.stderr.on('data', (bytes) => (stderr += bytes))
  running.add(child)
  let hangs = false
  const limit =
    limitMs === undefined ? undefined : setTimeout(() => ((hangs = true), endGroup(child)), limitMs)
  await once(child, 'close')
  clearTimeout(limit)
  running.delete(child)
  if (hangs) return { passed: 0, failed: names }
  const { testResults } = readReport(report, stderr)
  const tests = testResults.flatMap(({ assertionResults }) => assertionResults)
  const named = (status) => tests.filter((one) => one.status === status).map(({ fullName }) => fullName)
  const [passed, failed] = [named('passed'), named('failed')]
  const unread = testResults.filter(
    ({ status, assertionResults }) => status === 'failed' && assertionResults.length === 0,
  )
  if (passed.length + failed.length === 0 || unread.length > 0)
    throw new Error(
      `no test has run: ${files.join(', ')} ${filter.join(' ')}: ${unread[0]?.message ?? stderr}`,
    )
  return { passed: passed.length, failed }
}

function endGroup({ pid }) {
  try {
    process.kill(-pid, 'SIGKILL')
  } catch (error) {
    if (error.code !== 'ESRCH') throw error
  }
}

function readReport(report, stderr) {
  try {
    return JSON.parse(readFileSync(report, 'utf8'))
  } catch {
    throw new Error(`vitest has written no report: ${stderr}`)
  } finally {
    rmSync(report, { force: true })
  }
}

/** Why a defect cannot be put into the source of today; undefined where it can. */
function misfit({ what, find, file, test, name }) {
  const places = filesWith({ find, file })
  if (places.length !== 1)
    return `does not fit: ${what}: ${places.length === 0 ? 'nowhere' : places.join(', ')} has ${JSON.stringify(find)}, and one place must`
  const tests = globSync(test, { cwd: repository })
  if (tests.length === 0) return `does not fit: ${what}: there is no ${test}`
  if (name !== undefined && !readFileSync(join(repository, test), 'utf8').includes(name))
    return `does not fit: ${what}: ${test} has no test '${name}'`
  return undefined
}

/** The files of the source that have the text, each as often as it has it. */
function filesWith({ find, file = 'src/**/*.ts' }) {
  return globSync(file, { cwd: repository }).flatMap((path) =>
    readFileSync(join(repository, path), 'utf8')
      .split(find)
      .slice(1)
      .map(() => path),
  )
}

function copyTree(to) {
  for (const name of globSync('*', { cwd: repository, exclude: ['node_modules', 'dist'] }))
    cpSync(join(repository, name), join(to, name), {
      recursive: true,
      // Whatever a run has left there is no part of the source.
      filter: (path) => !path.startsWith(join(repository, 'state/')),
    })
  symlinkSync(join(repository, 'node_modules'), join(to, 'node_modules'))
  return to
}

function escaped(text) {
  return text.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&')
}

/** False, so that it can end a check. */
function say(line) {
  console.log(line)
  return false
}
