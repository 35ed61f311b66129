// Owns the run of the integration and crash suites against server images, and of the tests that need a cluster of them:
// `npm run test:servers -- [image…]`. Where no container engine answers, it says what was skipped;
// BACKFILL_REQUIRE_DOCKER=1 makes that a failure.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The oldest supported release, the newest LTS, the newest release: as in .github/workflows/ci.yml. */
const IMAGES = ['25.8', '26.8', 'latest'].map((tag) => `clickhouse/clickhouse-server:${tag}`)

const repository = fileURLToPath(new URL('..', import.meta.url))
const typed = process.argv.slice(2)
const images = typed.length > 0 ? typed : IMAGES
// Files that start an embedded server of their own would test that one again.
const files = globSync('test/**/*.server.test.ts', { cwd: repository })
  .filter((file) =>
    readFileSync(join(repository, file), 'utf8').match(/startTestServer|startContainerCluster/),
  )
  .toSorted()

const engine = await containerEngine()
if (engine === undefined) process.exitCode = skip()
else for (const image of images) process.exitCode = (await runAgainst(image)) || (process.exitCode ?? 0)

/** The engine's name; undefined where none answers. */
async function containerEngine(): Promise<string | undefined> {
  const { getContainerRuntimeClient } = await import('testcontainers')
  try {
    const { info } = await getContainerRuntimeClient()
    return `${info.containerRuntime.operatingSystem}, engine ${info.containerRuntime.serverVersion}`
  } catch {
    return undefined
  }
}

function skip(): number {
  const required = process.env['BACKFILL_REQUIRE_DOCKER'] === '1'
  console.log(
    `${required ? 'FAILED' : 'skipped'}: ${files.length} test files on each of ${images.join(', ')}: no container engine answers`,
  )
  return required ? 1 : 0
}

async function runAgainst(image: string): Promise<number> {
  console.log(`--- ${image} on ${engine}: ${files.length} test files`)
  const vitest = join(repository, 'node_modules/vitest/vitest.mjs')
  const child = spawn(process.execPath, [vitest, 'run', ...files], {
    cwd: repository,
    env: { ...process.env, BACKFILL_TEST_IMAGE: image },
    stdio: 'inherit',
  })
  const [code] = (await once(child, 'close')) as [number | null]
  return code ?? 1
}
