// Owns the promises of `import` about words that make no sense and places where nothing is: before any server is asked.
import { expect, test } from 'vitest'
import { backfillHere, expectOneMessage, NOWHERE } from '../../support/cli.ts'
import { temporaryDirectory } from '../../support/processes.ts'
import { servePublic } from '../../support/public-files.ts'

const run = (words: string) =>
  backfillHere(words.split(' '), { env: { ...NOWHERE, BACKFILL_NETWORK: 'sepolia' } })

test.for([
  { words: 'import', says: /needs --from/ },
  { words: 'import --from 5000 --to 1', says: /--from 5000 is after --to 1/ },
  {
    words: 'import --tables canonical_execution_traces --from 1970-01-01',
    says: /--from 1970-01-01 is a time, and traces counts blocks/,
  },
  { words: 'import --from 0 --tables trace', says: /unknown source table 'trace'/ },
  { words: 'import --from 0 --network nowhere', says: /unknown network 'nowhere'/ },
  {
    words: 'import --from 0 --base-url ftp://x/y',
    says: /--base-url must be an http\(s\) URL, got 'ftp:\/\/x\/\*\*\*'/,
  },
  {
    words: 'import --from 0 --base-url http://me:secret@x/',
    says: /--base-url must have no user.*got 'http:\/\/\*\*\*@x\/'/,
  },
  {
    words: 'import --from 0 --base-url http://x --folder y',
    says: /come both from --base-url and from --folder/,
  },
  { words: 'import --from 0 --folder /nowhere', says: /\/nowhere has no files of sepolia/ },
])('`$words` is refused', async ({ words, says }) => {
  const ended = await run(words)
  expect(ended.code).toBe(2)
  expect(expectOneMessage(ended)).toMatch(says)
})

test('where nobody answers, the run ends at once and says so', async () => {
  const gone = await servePublic(temporaryDirectory())
  await gone.close()
  const ended = await run(`import --from 0 --base-url ${gone.url}/xatu`)
  expect(ended.code).toBe(6)
  expect(expectOneMessage(ended)).toMatch(/cannot reach http:\/\/127\.0\.0\.1:\d+\/xatu: .*ECONNREFUSED/)
})
