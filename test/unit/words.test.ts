// Owns the promise that old words do not come back: identifiers, and phrases in strings, comments and docs. docs/glossary.md
// has the words that are used, docs/renames.tsv what each old one became.
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { repository } from '../support/processes.ts'

/** Parts of identifiers, as words or in camelCase: `survey`, `makeSurveyor`. */
const IDENTIFIERS = [
  /\b(?:\w+)?[Ss]urvey(?:s|ed|or|ing|[A-Z]\w*)?\b/,
  /\b(?:read|my|all)?[Ss]tandings?(?:[A-Z]\w*)?\b(?! in\b)/,
  /\b\w*[Dd]ensit(?:y|ies)\w*\b/,
  /\b(?:Patience|patience|patiently)\b/,
  /\b\w*[Ww]orldOptions\b|\b(?:open|with|Read|Test)World\b|\bworld\./,
  /\bowe[ds]?\b|\bowed[A-Z]\w*/,
  /\b(?:refuse|judge)[A-Z]\w*/,
  /\bcures?\b(?!-)|\bcureOf\b/,
  /\b(?:MAY_NOT|UNSTEADY|TELLING_ROWS)\b/,
  /\b(?:find)?[Kk]in(?:Of)?\b/,
  /\bsql_texts\b|\bsqlTexts\b/,
  /\bholeBlocks\b|\bfindHoles\b/,
  /\b(?:Patient|Surroundings)\b/,
  /\b(?:Offer|settle|settled)\b/,
  /\b(?:FADE|evenEnd|rangeWords|rangesText|rangeText)\b/,
]

/** Phrases, in code, output and docs. */
const PHRASES = [
  /\bheld blocks?\b/i,
  /\bholes?\b/,
  /\btakes? away\b/,
  /\baloud\b/,
  /\bnobody can be asked\b/,
  /\bhole-blocks\b/,
  /--wire\b|\bBACKFILL_WIRE\b/,
  /--order[ =](?:head|tail)\b/,
  /\bsigns? of life\b/,
  /\bbehind its back\b/,
  /\bto be as they should be\b/,
  /\bis gone on with\b/,
]

/** Where an old word is the matter itself, or means something else. */
const EXCEPT: readonly RegExp[] = [
  /^test\/unit\/words\.test\.ts$/,
  /^docs\/(renames\.tsv|glossary\.md)$/,
  /^CHANGELOG\.md$/,
  // Its world is the simulated one.
  /^test\/simulation\//,
]

const files = execFileSync(
  'git',
  [
    'ls-files',
    '-co',
    '--exclude-standard',
    'src',
    'test',
    'bench',
    'sql',
    'scripts',
    'docs',
    'packaging',
    'README.md',
  ],
  {
    cwd: repository,
    encoding: 'utf8',
  },
)
  .trim()
  .split('\n')
  .filter(
    (file) => /\.(ts|mjs|sql|md|json|yaml|txt)$/.test(file) && !EXCEPT.some((except) => except.test(file)),
  )

function places(pattern: RegExp): readonly string[] {
  return files.flatMap((file) =>
    readFileSync(join(repository, file), 'utf8')
      .split('\n')
      .flatMap((line, index) =>
        pattern.test(line) ? [`${file}:${index + 1}: ${line.trim().slice(0, 120)}`] : [],
      ),
  )
}

test.each([...IDENTIFIERS, ...PHRASES])('%s is said no more', (pattern) => {
  expect(places(pattern)).toEqual([])
})
