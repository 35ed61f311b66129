// Owns the promise that Tab answers at once, whatever files a folder holds.
import { execFileSync } from 'node:child_process'
import { mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { answerTab, complete } from '../../../src/cli/completion/answer.ts'
import { temporaryDirectory } from '../../support/processes.ts'
import { COMMANDS } from '../../../src/cli/commands.ts'

test.runIf(process.platform === 'linux')(
  'a networks.json that has no end, or no writer, has no names',
  () => {
    const folder = temporaryDirectory()
    mkdirSync(join(folder, 'sql'))
    const file = join(folder, 'sql/networks.json')
    const tab = () => answerTab(['bash', 'up', '--sql', 'sql', '--network', ''], {}, folder)
    writeFileSync(file, '{"gnosis": {}}')
    expect(tab()).toContain('gnosis')
    for (const make of [() => execFileSync('mkfifo', [file]), () => symlinkSync('/dev/zero', file)]) {
      rmSync(file)
      make()
      expect(tab()).toEqual([])
    }
  },
)

const names = {
  tables: () => ['ants', 'bees', 'beetles'],
  networks: () => ['mainnet', 'sepolia'],
  sources: () => ['traces', 'transaction'],
}

/** What is offered behind `backfill`; the last word is where the cursor is. */
function offered(...words: readonly string[]): readonly string[] {
  return complete(words, names)
}

test('the first word is a command, or asks for help or the version', () => {
  expect(offered('')).toEqual(COMMANDS.map(({ name }) => name))
  expect(offered()).toEqual(offered(''))
  expect(offered('u')).toEqual(['up', 'unlock'])
  expect(offered('-')).toEqual(['--help', '--version'])
  expect(offered('nonsense', '')).toEqual([])
})

test('every flag of every command is offered, until it has been typed', () => {
  for (const { name, flags } of COMMANDS) {
    const all = [...flags.map((flag) => `--${flag.name}`), '--help']
    expect(offered(name, '-'), name).toEqual(all)
    for (const flag of flags) {
      const typed = flag.value === undefined ? [`--${flag.name}`] : [`--${flag.name}=x`]
      expect(offered(name, ...typed, '--')).toEqual(all.filter((word) => word !== `--${flag.name}`))
    }
  }
})

test.for([
  { line: ['up', '--tables', 'bee'], words: ['bees', 'beetles'] },
  { line: ['up', '--tables', 'bees,'], words: ['bees,ants', 'bees,beetles'] },
  { line: ['up', '--tables', 'bees,ants,bee'], words: ['bees,ants,beetles'] },
  { line: ['up', '--tables=bees,b'], words: ['--tables=bees,beetles'] },
  { line: ['up', 'be'], words: ['bees', 'beetles'] },
  { line: ['test', 'be'], words: ['bees', 'beetles'] },
  { line: ['test', 'bees', 'a'], words: ['ants'] },
  { line: ['test', '--new', 'a'], words: ['ants'] },
  { line: ['status', '--network', ''], words: ['mainnet', 'sepolia'] },
  { line: ['status', '--network=s'], words: ['--network=sepolia'] },
  { line: ['plan', '--order', ''], words: ['oldest', 'newest'] },
  { line: ['completion', 'z'], words: ['zsh'] },
  { line: ['up', '--sql', ''], words: [':folder'] },
  { line: ['up', '--state=x'], words: [':folder'] },
])('$line is completed to $words', ({ line, words }) => expect(offered(...line)).toEqual(words))

test.for([
  ['up', '--from', ''],
  ['up', '--ledger-database', ''],
  ['info', '--json', ''],
  ['info', '--json=', ''],
  ['info', '--nonsense', ''],
  ['info', ''],
])('nothing is offered for %s', (line) => expect(offered(...line)).toEqual([]))

/** An SQL folder with these tables. Only names count: what the files hold is nobody's business here. */
function sqlFolder(...tables: readonly string[]): string {
  const folder = temporaryDirectory()
  mkdirSync(join(folder, 'transforms'))
  for (const table of tables) writeFileSync(join(folder, 'transforms', `${table}.sql`), 'half written')
  writeFileSync(join(folder, 'networks.json'), '{"mars":{}}')
  return folder
}

const tab = (argv: readonly string[], environment = {}, folder = temporaryDirectory()) =>
  answerTab(argv, environment, folder)

test('tables and networks are those of the folder that the line, the environment or .env names', () => {
  const [flies, gnats, moths] = [sqlFolder('flies'), sqlFolder('gnats'), sqlFolder('moths')]
  const here = temporaryDirectory()
  writeFileSync(join(here, '.env'), `BACKFILL_SQL=${moths}`)
  expect(tab(['bash', 'up', '--sql', flies, '--tables', ''], { BACKFILL_SQL: gnats }, here)).toEqual([
    'flies',
  ])
  expect(tab(['bash', 'up', '--sql', '=', flies, '--tables', ''])).toEqual(['flies'])
  expect(tab(['zsh', 'up', '--sql', gnats, `--sql=${flies}`, '--tables', ''])).toEqual(['flies', 'gnats'])
  expect(tab(['bash', 'up', '--tables', ''], { BACKFILL_SQL: gnats }, here)).toEqual(['gnats'])
  expect(tab(['bash', 'up', '--tables', ''], {}, here)).toEqual(['moths'])
  expect(tab(['bash', 'up', '--sql', flies, '--network', ''])).toEqual(['mars'])
  expect(tab(['bash', 'up', '--tables', 'block'])).toEqual(['block_slots_stat'])
})

test('a folder or a .env that cannot be read offers nothing and says nothing; flags are offered all the same', () => {
  expect(tab(['fish', 'up', '--sql', '/nowhere', '--tables', ''])).toEqual([])
  expect(tab(['fish', 'up', '--sql', '/nowhere', '--network', ''])).toEqual([])
  const here = temporaryDirectory()
  mkdirSync(join(here, '.env'))
  expect(tab(['fish', 'up', '--tables', ''], {}, here)).toEqual([])
  expect(tab(['fish', 'up', '--js'], {}, here)).toEqual(['--json'])
})

test('each shell gets the lines that it expects', () => {
  expect(tab(['bash', 'plan', '--order', '=', 'n'])).toEqual(['newest'])
  expect(tab(['bash', 'plan', '--order', '='])).toEqual(['oldest', 'newest'])
  expect(tab(['zsh', 'plan', '--order=n'])).toEqual(['--order=newest'])
  expect(tab(['fish', 'plan', '--sql=', 'x', '--sql='])).toEqual([':folder'])
  expect(tab(['powershell', 'u'])).toEqual(['up', 'unlock'])
  expect(tab([])).toContain('up')
})

test('only names are offered: no file or network of a stranger puts a command into the line that is typed', () => {
  const folder = temporaryDirectory()
  mkdirSync(join(folder, 'transforms'))
  for (const name of ['ants', 'a$(touch owned)', 'b;touch owned', 'c`id`', 'd e', 'f\ng', '-rf', '.h'])
    writeFileSync(join(folder, 'transforms', `${name}.sql`), '')
  writeFileSync(join(folder, 'networks.json'), '{"mainnet":{},"z$(id)":{},"y;id":{}}')
  const answer = (...words: string[]) => answerTab(['bash', ...words], { BACKFILL_SQL: folder }, folder)
  expect(answer('up', '--tables', '')).toEqual(['ants'])
  expect(answer('up', '--network', '')).toEqual(['mainnet'])
})
