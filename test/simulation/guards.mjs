// Owns the proof that histories bite: takes each guard of the chunk protocol out of a copy of the source and plays histories
// until one fails. `node test/simulation/guards.mjs [--minutes M] [words of a guard]`; the last line is `N of N were found`.
import { GUARDS } from './guard-list.ts'
import { spawnSync } from 'node:child_process'
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../..', import.meta.url))

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
    const seed = /seed (\d+) failed/.exec(stdout)?.[1] ?? ''
    const why = /BROKEN: (.*)/.exec(stdout)?.[1]?.slice(0, 120) ?? ''
    if (status === 1) found++
    console.log(
      `${status === 1 ? 'found' : 'NOT FOUND'} in ${seconds} s${seed && `, seed ${seed}`}: ${what}${why && `: ${why}`}`,
    )
  }
} finally {
  rmSync(scratch, { recursive: true })
}
console.log(`${found} of ${chosen.length} were found`)
process.exitCode = found === chosen.length ? 0 : 1
