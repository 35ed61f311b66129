// Owns what each test costs: with BACKFILL_TEST_CPU=<file>, a line `seconds <tab> test file <tab> test` for each, of the CPU of
// its worker and of every process below it, servers included. What was done before a test counts for that test. Linux only.
import { appendFileSync, readdirSync, readFileSync } from 'node:fs'
import { relative } from 'node:path'
import { afterEach, expect } from 'vitest'
import { repository } from './processes.ts'

const TICKS_PER_SECOND = 100

/** CPU seconds of this process and its descendants, ended ones included. */
function cpuSeconds(): number {
  const processes = new Map(readdirSync('/proc').flatMap((name) => readStat(Number(name))))
  const isOurs = (pid: number | undefined): boolean =>
    pid === process.pid || (pid !== undefined && pid > 1 && isOurs(processes.get(pid)?.parent))
  return [...processes].reduce((sum, [pid, { cpu }]) => (isOurs(pid) ? sum + cpu : sum), 0)
}

function readStat(pid: number): readonly (readonly [number, { parent: number; cpu: number }])[] {
  if (!Number.isInteger(pid)) return []
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
      .replace(/^.*\) /s, '')
      .split(' ')
      .map(Number)
    const [user = 0, system = 0, childUser = 0, childSystem = 0] = fields.slice(11, 15)
    const cpu = (user + system + childUser + childSystem) / TICKS_PER_SECOND
    return [[pid, { parent: fields[1] ?? 0, cpu }]]
  } catch {
    return [] // it has ended meanwhile
  }
}

const file = process.env['BACKFILL_TEST_CPU'] ?? ''
let before = cpuSeconds()
afterEach(() => {
  const { currentTestName, testPath = '' } = expect.getState()
  const now = cpuSeconds()
  appendFileSync(
    file,
    `${(now - before).toFixed(2)}\t${relative(repository, testPath)}\t${currentTestName}\n`,
  )
  before = now
})
