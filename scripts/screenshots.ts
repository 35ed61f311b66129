// Owns the pictures of the report in docs/: the demo's page in Debian's Chromium, light and dark.
// `npm run screenshots -- --state <folder of the demo> [--output docs]`
import { execFileSync } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { chromium } from 'playwright-core'

const { values } = parseArgs({
  options: { state: { type: 'string', default: 'state' }, output: { type: 'string', default: 'docs' } },
})
const CHROMIUM = '/usr/bin/chromium'
const SHOTS = [
  { file: 'report.png', colorScheme: 'light', part: '[data-network]' },
  { file: 'report-run.png', colorScheme: 'light', part: '[aria-label="Chunks of the last run"]' },
  { file: 'report-table.png', colorScheme: 'dark', part: '.detail' },
] as const

if (existsSync(CHROMIUM)) await takeAll()
else console.log(`skipped: screenshots of the report: ${CHROMIUM} is absent (apt-get install chromium)`)

async function takeAll(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'backfill-shots-'))
  const page = join(folder, 'report.html')
  const main = fileURLToPath(new URL('../src/main.ts', import.meta.url))
  const words = `report --embedded --network demo --lag 0 --state ${values.state} --output ${page} --quiet`
  execFileSync(process.execPath, [main, ...words.split(' ')], { stdio: 'inherit' })
  const browser = await chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox'] })
  try {
    for (const { file, colorScheme, part } of SHOTS) {
      const tab = await browser.newPage({ colorScheme, viewport: { width: 1200, height: 760 } })
      await tab.goto(`file://${page}#demo.table=accounts_alive`)
      await tab.locator('summary', { hasText: /^SQL: / }).click()
      await tab.locator(part).evaluate((element) => element.scrollIntoView())
      await tab.screenshot({ path: join(values.output, file) })
      console.log(`wrote ${join(values.output, file)}`)
    }
  } finally {
    await browser.close()
    rmSync(folder, { recursive: true })
  }
}
