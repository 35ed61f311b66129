// Owns the promise that Tab works in real shells: each reads our script, gets keys, and the line is looked at.
import { spawnSync } from 'node:child_process'
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { SHELLS } from '../../../src/cli/completion/scripts.ts'
import { backfill, expectOneMessage, MAIN } from '../../support/cli.ts'
import { outcome, repository, start, temporaryDirectory } from '../../support/processes.ts'

/** `script` gives a terminal to a program whose input is a pipe. Its words are those of util-linux. */
const TERMINAL = 'script'
const absent = [...SHELLS, TERMINAL].filter((program) => !onPath(program))
if (process.platform !== 'linux') absent.push(TERMINAL)
if (absent.length > 0)
  console.warn(`skipped: completion where it needs ${absent.join(', ')}, which is absent`)

function onPath(program: string): boolean {
  return (process.env['PATH'] ?? '').split(delimiter).some((folder) => existsSync(join(folder, program)))
}

const scriptOf = (shell: string) => readFileSync(join(repository, 'sql-templates/completion', shell), 'utf8')

/** A home with `backfill` on its PATH, the shell's script in a file, and a folder to complete. */
function home(): { readonly folder: string; readonly env: Record<string, string> } {
  const folder = temporaryDirectory()
  mkdirSync(join(folder, 'bin'))
  mkdirSync(join(folder, 'my sql/transforms'), { recursive: true })
  writeFileSync(join(folder, 'bin/backfill'), `#!/bin/sh\nexec '${process.execPath}' '${MAIN}' "$@"\n`)
  chmodSync(join(folder, 'bin/backfill'), 0o755)
  for (const shell of SHELLS) writeFileSync(join(folder, `completion.${shell}`), scriptOf(shell))
  const path = [join(folder, 'bin'), process.env['PATH']].join(delimiter)
  return { folder, env: { PATH: path, HOME: folder, TERM: 'xterm', COLUMNS: '200' } }
}

const QUIET_MS = 300

/** Types keys into a shell in a terminal and resolves to all that it showed. ^A goes to the start of the line, ^K deletes from there. */
async function type(shell: string, keys: string): Promise<{ shown: string; folder: string }> {
  const { folder, env } = home()
  const child = start(TERMINAL, ['-qfc', shell, '/dev/null'], { cwd: folder, env, stdio: 'pipe' })
  const ended = outcome(child)
  let heard = performance.now()
  child.stdout?.on('data', () => (heard = performance.now()))
  // As a person types: the next keys when the shell has answered. What is typed ahead of a shell that starts may get lost.
  for (const part of [...keys.split(/(?<=[\t\r\n])/), 'exit\r']) {
    await sleep(QUIET_MS)
    while (performance.now() - heard < QUIET_MS) await sleep(20)
    child.stdin?.write(part)
  }
  child.stdin?.end()
  const { stdout } = await ended
  return { shown: stdout, folder }
}

const KEYS =
  'backfill unl\t--tables=block\t--sql my\t\u0001echo \rbackfill up --tables "$(touch evil)" --js\t\u0001\u000b\r'
const LINE = /^backfill unlock --tables=block_slots_stat --sql my sql\/?\r?$/m

test.skipIf(absent.includes('bash') || absent.includes(TERMINAL))(
  'bash completes, and runs nothing',
  async () => {
    const { shown, folder } = await type('bash --norc --noprofile -i', `source completion.bash\n${KEYS}`)
    expect(shown).toMatch(LINE)
    expect(existsSync(join(folder, 'evil'))).toBe(false)
  },
)

test.skipIf(absent.includes('zsh') || absent.includes(TERMINAL))(
  'zsh completes, and runs nothing',
  async () => {
    // npm sets EDITOR=vi, and zsh takes the keys of vi then: ^A would be a letter.
    const ready = 'bindkey -e; autoload -Uz compinit; compinit -u -D; source completion.zsh\n'
    const { shown, folder } = await type('zsh -f -i', `${ready}${KEYS}`)
    expect(shown).toMatch(LINE)
    expect(existsSync(join(folder, 'evil'))).toBe(false)
  },
)

test.skipIf(absent.includes('fish'))('fish completes, and runs nothing', async () => {
  const { folder, env } = home()
  const lines = ['unl', 'up --tables=block', 'up --sql my', 'up --sql=my', 'up --tables (touch evil) --js']
  const asked = lines.map((line) => `complete -C "backfill ${line}"`).join('\n')
  const ended = await outcome(
    start('fish', ['--no-config', '-c', `source completion.fish\n${asked}`], { cwd: folder, env }),
  )
  expect(ended.stdout.split('\n').map((line) => line.split('\t')[0])).toEqual([
    'unlock',
    '--tables=block_slots_stat',
    'my sql/',
    '--sql=my sql/',
    '--json',
    '',
  ])
  expect(existsSync(join(folder, 'evil'))).toBe(false)
})

test.for(SHELLS)('`completion %s` prints the script; the shell can read it', async (shell) => {
  const { code, stdout, stderr } = await backfill(['completion', shell])
  expect({ code, stderr, stdout }).toEqual({ code: 0, stderr: '', stdout: scriptOf(shell) })
  if (absent.includes(shell)) return
  const file = join(temporaryDirectory(), 'script')
  writeFileSync(file, stdout)
  expect(spawnSync(shell, ['-n', file], { encoding: 'utf8' })).toMatchObject({ status: 0, stderr: '' })
})

test('the help of `completion` says which shells there are', async () => {
  const { stdout } = await backfill(['completion', '--help'])
  expect(stdout).toContain('$ backfill completion (bash | zsh | fish)')
  expect(Math.max(...stdout.split('\n').map((line) => line.length))).toBeLessThanOrEqual(80)
})

test.for([
  { argv: ['completion'], says: '`completion` needs a shell' },
  { argv: ['completion', 'tcsh'], says: "--shell must be bash, zsh or fish, got 'tcsh'" },
  { argv: ['completion', 'bash', 'zsh'], says: "'bash,zsh'" },
])('$argv is refused', async ({ argv, says }) => {
  const ended = await backfill(argv)
  expect(ended.code).toBe(2)
  expect(expectOneMessage(ended)).toContain(says)
})
