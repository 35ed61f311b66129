// Owns the run of the tests that need a server against a server image instead of the embedded one, and of those that need a
// cluster of it: `npm run test:servers -- <image> [path…]`. Where no container engine answers, it says what was skipped;
// BACKFILL_REQUIRE_DOCKER=1 makes that a failure.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const repository = fileURLToPath(new URL('..', import.meta.url))
const [image, ...paths] = process.argv.slice(2)
// Files that start an embedded server of their own would test that one again.
const files = globSync('test/**/*.{server,cluster}.test.ts', { cwd: repository })
  .filter((file) => paths.length === 0 || paths.some((path) => file.includes(path)))
  .filter((file) =>
    readFileSync(join(repository, file), 'utf8').match(/startTestServer|startContainerCluster/),
  )
  .toSorted()

if (image === undefined)
  process.exitCode = refuse('name an image: npm run test:servers -- clickhouse/clickhouse-server:25.8')
else if (files.length === 0) process.exitCode = refuse(`no such test files: ${paths.join(', ')}`)
else process.exitCode = await runAgainst(image)

function refuse(why: string): number {
  console.error(why)
  return 2
}

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

async function runAgainst(server: string): Promise<number> {
  const engine = await containerEngine()
  if (engine === undefined) {
    const required = process.env['BACKFILL_REQUIRE_DOCKER'] === '1'
    const outcome = required ? 'FAILED' : 'skipped'
    console.log(`${outcome}: ${files.length} test files on ${server}: no container engine answers`)
    return required ? 1 : 0
  }
  console.log(`--- ${server} on ${engine}: ${files.length} test files`)
  const vitest = join(repository, 'node_modules/vitest/vitest.mjs')
  const child = spawn(process.execPath, [vitest, 'run', ...files], {
    cwd: repository,
    env: { ...process.env, BACKFILL_TEST_IMAGE: server },
    stdio: 'inherit',
  })
  const [code] = (await once(child, 'close')) as [number | null]
  return code ?? 1
}
