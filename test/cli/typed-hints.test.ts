// Owns the promise of hints: pasted, each does what it says, at the place where its reader is.
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { readCommandLine } from '../../src/cli/command-line.ts'
import { COMMANDS } from '../../src/cli/commands.ts'
import { withTypedFlags } from '../../src/cli/typed-hints.ts'

/** A text as `backfill <words>` prints it. */
function printed(words: string, text: string): string {
  const invocation = readCommandLine(words.split(' '))
  if (invocation.kind !== 'command') throw new Error(`${words} is no command`)
  const { entry, flags } = invocation
  return withTypedFlags(text, { name: entry.name, flags }, COMMANDS)
}

test.each([
  [
    'status --network demo --lag 0',
    'Next: `backfill up` fills it.',
    'Next: `backfill up --network demo --lag 0` fills it.',
  ],
  ['status a --sql ./my', 'Next: `backfill up`', 'Next: `backfill up --tables a --sql ./my`'],
  ['status --check --json a', '`backfill up`', '`backfill up --tables a`'],
  ['plan --from 5 --jobs 2', '`backfill up` will run', '`backfill up --from 5 --jobs 2` will run'],
  ['up --env-file x.env --from 5', '`backfill redo a --stale`', '`backfill redo a --stale --env-file x.env`'],
  ['demo', '`backfill status`', '`backfill status --network demo --lag 0 --embedded`'],
  ['status --network a', '`backfill status --network b`', '`backfill status --network b`'],
  ['import --tables traces --from 1 --network a', '`backfill up`', '`backfill up --network a`'],
  ['log --run zz --network a', '`backfill log` shows', '`backfill log --network a` shows'],
  ['up --network a', 'Run backfill up again', 'Run backfill up --network a again'],
  ['up --network a', 'backfill rebuild x', 'backfill rebuild --network a x'],
  ['up --network a', '`backfill help` shows', '`backfill help` shows'],
  ['up --network a', 'an older version of backfill', 'an older version of backfill'],
  ['up --sql /a;b', '`backfill up`', "`backfill up --sql '/a;b'`"],
])('after `%s` the hint %j is %j', (words, hint, shown) => {
  expect(printed(words, hint)).toBe(shown)
  expect(printed(words, shown)).toBe(shown)
})

test.each(['up --exclude * --network a', 'list --tables , --network a'])(
  'after `%s` the list that is to show the tables does not leave them out again',
  (words) => {
    expect(printed(words, '`backfill list` shows the tables')).toBe(
      '`backfill list --network a` shows the tables',
    )
  },
)

const NAMES = COMMANDS.map(({ name }) => name).join('|')
/** A command in a text of the code, up to where it ends for a reader. */
const HINT = new RegExp(
  String.raw`(?:\\\x60|['\x60"( ])backfill ((?:${NAMES})(?![\w-])[^\x60'";:,)\n]*)`,
  'g',
)

/** What stands for a value in the code. */
const VALUES: readonly (readonly [pattern: RegExp, value: string])[] = [
  [/\$\{[^}]*uuid[^}]*\}/g, '6e737b1f-f332-488f-98b2-77c812f732dd'],
  [/\$\{[^}]*(from|to|first)\}|<block>|<N>/g, '5'],
  [/\$\{(command|who)\}/g, 'preview'],
  [/\$\{flags?\}/g, '--from 1'],
  [/\$\{[^}]*\}|<table>|<new>/g, 'address_diffs'],
]

type Hint = { readonly file: string; readonly words: string }

function hintsOf(file: string): readonly Hint[] {
  const code = readFileSync(join('src', file), 'utf8').replaceAll(/^\s*(\/\/|\/?\*).*$|(?<= )\/\/ .*$/gm, '')
  return [...code.matchAll(HINT)].map(([, words = '']) => ({
    file,
    words: VALUES.reduce(
      (text, [pattern, value]) => text.replaceAll(pattern, value),
      words.replace(/\\$/, ''),
    ).trim(),
  }))
}

/** The words of the command: a sentence may go on behind a command outside of backticks. */
function isCommand(words: string): boolean {
  try {
    readCommandLine(words.split(' '))
    return true
  } catch {
    return false
  }
}

/** Files whose texts are no hints, and why. */
const NO_HINTS: Readonly<Record<string, string>> = {
  'cli/completion/scripts.ts': 'scripts for shells',
  'cli/help.ts': 'texts of the help',
}

test('every hint in the code is a command line that the program takes, as far as its words say', () => {
  const files = readdirSync('src', { recursive: true, encoding: 'utf8' }).filter((file) =>
    file.endsWith('.ts'),
  )
  const hints = files.filter((file) => !(file in NO_HINTS)).flatMap(hintsOf)
  const wrong = hints.filter(({ words }) => {
    const parts = words.split(' ')
    // Of a sentence, the first words that are a command: at least its name, and every flag that is written.
    const flags = parts.filter((part) => part.startsWith('--'))
    const lengths = parts
      .map((_, at) => at + 1)
      .filter((length) => isCommand(parts.slice(0, length).join(' ')))
    const longest = parts.slice(0, Math.max(0, ...lengths))
    return longest.length === 0 || flags.some((flag) => !longest.includes(flag))
  })
  console.log(
    `${hints.length} hints in the code; not looked at: ${Object.entries(NO_HINTS)
      .map(([file, why]) => `${file} (${why})`)
      .join(', ')}`,
  )
  expect(wrong).toEqual([])
  expect(hints.length).toBeGreaterThan(60)
})
