// Owns the promises of the page: what `report` writes, what `serve` answers over HTTP, and what a browser makes of it.
import { createHash } from 'node:crypto'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { request } from 'node:http'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Browser, chromium } from 'playwright-core'
import { checkDocument } from '../../support/json-outputs.ts'
import { CHROMIUM, HOSTILE, openPageScene, type PageScene, seriousOf } from '../../support/page-scene.ts'

if (CHROMIUM === undefined)
  console.warn('skipped: the page in a browser: chromium is absent (apt-get install chromium)')

type Status = { readonly tables: readonly Readonly<Record<string, string | number | null>>[] }

let scene: PageScene
beforeAll(async () => {
  scene = await openPageScene()
})
afterAll(() => scene?.close())

const get = (path: string) => fetch(new URL(path, scene.url))
const statusJson = async (...words: readonly string[]) =>
  JSON.parse((await scene.run('status', '--json', ...words)).stdout) as Status
/** A document without what changes from look to look. */
const steady = (document: object) =>
  JSON.stringify(document, (key, value: unknown) =>
    ['generated_at', 'source_age_seconds', 'age_ms'].includes(key) ? undefined : value,
  )

/** A request as no browser sends it: its status and headers. */
function raw(options: { path?: string; method?: string; headers?: Record<string, string> }, body = '') {
  return new Promise<{ readonly status: number; readonly allow: string | undefined }>((resolve, reject) => {
    const sent = request(scene.url, options, (answer) => {
      answer.resume()
      resolve({ status: answer.statusCode!, allow: answer.headers.allow })
    })
    sent.once('error', reject).end(body)
  })
}

test('/status.json, /check and /readyz say what `status --json`, `status --check` and `wait` say', async () => {
  const found = (await (await get('/status.json')).json()) as Status
  expect(steady(found)).toBe(steady(await statusJson()))
  checkDocument(JSON.stringify(found))
  const check = await get('/check?tables=block_slots_stat')
  const verdict = await scene.run('status', 'block_slots_stat', '--check', '--json')
  expect({ status: check.status, code: verdict.code }).toEqual({ status: 503, code: 3 })
  expect(steady((await check.json()) as object)).toBe(steady(JSON.parse(verdict.stdout) as object))
  expect((await get('/check?tables=block_slots_stat&max-behind=4')).status).toBe(200)
  expect((await get('/readyz?tables=block_slots_stat&to=20')).status).toBe(200)
  const late = await get('/readyz?tables=block_slots_stat,address_reads&to=24')
  expect(late.status).toBe(503)
  const text = await late.text()
  checkDocument(text)
  expect(JSON.parse(text)).toMatchObject({
    command: 'wait',
    to: 24,
    ready: false,
    tables: [
      { table: 'address_reads' },
      { reasons: ['missing 21-24 (4 blocks): no run works on it: `backfill up block_slots_stat`'] },
    ],
  })
})

/** Without samples that are other each second. */
const lines = (text: string) => text.split('\n').filter((line) => !/^[^#].*(age|standstill)_/.test(line))

test('/metrics are those of `status --format prometheus`; /healthz is well while ClickHouse answers', async () => {
  const answer = await get('/metrics')
  expect(answer.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8')
  const { stdout } = await scene.run('status', '--format', 'prometheus')
  expect(lines(await answer.text())).toEqual(lines(stdout))
  expect((await get('/healthz')).status).toBe(200)
})

test('the page allows its own script and style by their hashes, and nothing else; its data ends no element', async () => {
  const answer = await get('/')
  const html = await answer.text()
  const policy = answer.headers.get('content-security-policy')!
  for (const [tag, source] of [
    ['style', 'style-src'],
    ['script type="module"', 'script-src'],
  ] as const) {
    const [, text = ''] = new RegExp(`<${tag}>([^]*?)</${tag.split(' ')[0]!}>`).exec(html) ?? []
    const hash = createHash('sha256').update(text).digest('base64')
    expect(policy).toContain(`${source} 'sha256-${hash}';`)
  }
  expect(policy).toMatch(/^default-src 'none'; /)
  expect(policy).not.toMatch(/unsafe|\*/)
  expect(html).toContain(policy.replace(`; frame-ancestors 'none'`, ''))
  expect(html).not.toContain(HOSTILE.slice(0, 20))
  expect(html.match(/<script/g)).toHaveLength(2)
  expect([...answer.headers.keys()]).toEqual(
    expect.arrayContaining(['x-content-type-options', 'referrer-policy', 'cross-origin-resource-policy']),
  )
})

test('whatever is no small GET to this host is refused, and nothing is asked', async () => {
  expect(await raw({ method: 'POST' })).toEqual({ status: 405, allow: 'GET' })
  expect((await raw({ method: 'HEAD' })).status).toBe(405)
  expect((await raw({ headers: { Host: 'attacker.example:8477' } })).status).toBe(421)
  expect((await raw({ headers: { Host: 'localhost' }, path: '/healthz' })).status).toBe(200)
  expect((await raw({ headers: { 'Content-Length': '3' } }, 'abc')).status).toBe(413)
  expect((await raw({ path: `/?${'x'.repeat(3000)}` })).status).toBe(414)
  expect((await raw({ headers: { Cookie: 'x'.repeat(9000) } })).status).toBe(431)
  expect((await get('/nothing')).status).toBe(404)
  expect((await get('/__proto__')).status).toBe(404)
  const wrong = await get('/readyz?tables=nobody&to=1')
  expect(wrong.status).toBe(400)
  expect(await wrong.json()).toMatchObject({ error: { message: expect.stringContaining("'nobody'") } })
  for (const path of [
    '/readyz',
    '/readyz?to=x',
    '/readyz?to=1970-01-01',
    '/status.json?network=a',
    '/check?max-behind=-1',
  ])
    expect([path, (await get(path)).status]).toEqual([path, 400])
})

test('`report` writes one file, in place of the earlier one, and says how large it is', async () => {
  const file = join(scene.folder, 'page.html')
  writeFileSync(`${file}.new`, 'of somebody else')
  const { code, stdout } = await scene.run('report', '--output', file, '--json')
  checkDocument(stdout)
  const html = readFileSync(file, 'utf8')
  expect({ code, bytes: (JSON.parse(stdout) as { bytes: number }).bytes }).toEqual({
    code: 0,
    bytes: Buffer.byteLength(html),
  })
  expect((await scene.run('report', '--output', '-')).stdout).toMatch(/^<!doctype html>[^]*<\/html>\n\n?$/)
  expect(readdirSync(scene.folder).toSorted()).toEqual(['page.html', 'page.html.new', 'sql'])
  const nowhere = await scene.run('report', '--output', join(scene.folder, 'no/page.html'))
  expect(nowhere).toMatchObject({ code: 2, stderr: expect.stringContaining('ENOENT') })
})

describe.skipIf(CHROMIUM === undefined)('in Chromium', () => {
  let browser: Browser
  /** As it is written: the page of `serve` asks for itself again, now and then. */
  let file: string
  beforeAll(async () => {
    file = `file://${join(scene.folder, 'shown.html')}`
    await scene.run('report', '--output', join(scene.folder, 'shown.html'))
    browser = await chromium.launch({ executablePath: CHROMIUM!, args: ['--no-sandbox'] })
  })
  afterAll(() => browser?.close())

  type Opening = { readonly url?: string; readonly colorScheme?: 'light' | 'dark'; readonly width?: number }

  /** Opens the page; what the browser complains of, and whatever it asks for, is in `wrong` and `asked`. */
  async function open({ url = file, colorScheme = 'light', width = 1280 }: Opening = {}) {
    const page = await browser.newPage({ colorScheme, viewport: { width, height: 900 } })
    const wrong: string[] = []
    const asked: string[] = []
    page.on('console', (message) => message.type() === 'error' && wrong.push(message.text()))
    page.on('pageerror', ({ message }) => wrong.push(message))
    page.on('request', (one) => asked.push(one.url()))
    await page.goto(`${url}#mainnet.table=block_slots_stat`)
    return { page, wrong, asked }
  }

  test('every number is that of `status --json`, without an error and without another request', async () => {
    const { page, wrong, asked } = await open({ url: scene.url })
    const columns = { done: 'done_blocks', missing: 'missing_blocks', watermark: 'watermark', head: 'head' }
    const { tables } = await statusJson()
    for (const table of tables) {
      const row = page.locator(`tr[data-table="${String(table['table'])}"]`)
      for (const [heading, key] of Object.entries(columns)) {
        const value = await row.locator(`[data-heading="${heading}"]`).getAttribute('data-value')
        expect([key, value]).toEqual([key, table[key] === null ? null : String(table[key])])
      }
      expect(await row.locator('[data-state]').textContent()).toBe(table['state'])
    }
    expect(await page.locator('.u-legend').count()).toBe(1)
    expect({ wrong, asked: new Set(asked) }).toEqual({ wrong: [], asked: new Set([scene.url]) })
    await page.close()
  })

  test('the chunks of the last run stand in time, one bar each, a line for each table', async () => {
    const { page } = await open()
    const tables = page.locator('[aria-label="Chunks of the last run"] tbody tr')
    const bars = await tables.locator('[data-outcome] title').allTextContents()
    const chunks = ['1-10 done, 10 rows', '11-20 done, 10 rows']
    expect(new Set(bars.map((text) => text.split(' in ')[0]))).toEqual(new Set(chunks))
    expect(await tables.count()).toBe(1)
    await page.close()
  })

  test('texts of the chain, of files and of errors stay texts', async () => {
    const { page } = await open()
    expect(await page.evaluate('window.hacked')).toBe(undefined)
    expect(await page.locator('.detail > p').first().textContent()).toBe(HOSTILE)
    expect(await page.locator('.detail dl').first().textContent()).toMatch(
      /Audits\S*audits\/block_slots_stat\/none\.sql/,
    )
    expect(await page.locator('[aria-label="Failures"]').textContent()).toContain(HOSTILE)
    expect(await page.locator('pre').first().textContent()).toContain(HOSTILE)
    expect(await page.locator('img').count()).toBe(0)
    await page.close()
  })

  test('a range of the chain is zoomed into by numbers and by dragging, and the address keeps it', async () => {
    const { page } = await open()
    const bar = page.locator('tr[data-table="block_slots_stat"] svg')
    const done = () => bar.locator('.covered').evaluate((rect) => Number(rect.getAttribute('width')))
    expect(await done()).toBeCloseTo((1000 * 20) / 24)
    await page.getByLabel('Zoom from block').fill('11')
    await page.getByLabel('Zoom to block').fill('20')
    await page.getByRole('button', { name: 'zoom' }).click()
    expect(await done()).toBe(1000)
    // Asked in the page: `page.url()` hears of a new fragment later.
    const address = () => page.evaluate<string>('location.hash')
    expect(await address()).toContain('mainnet.zoom=11-20')
    const box = (await bar.boundingBox())!
    await page.mouse.move(box.x + 1, box.y + 5)
    await page.mouse.down()
    await page.mouse.move(box.x + box.width * 0.45, box.y + 5)
    await page.mouse.up()
    expect(await address()).toContain('mainnet.zoom=11-15')
    await page.reload()
    expect(await page.getByLabel('Zoom to block').inputValue()).toBe('15')
    await page.close()
  })

  test('light, dark and on a phone: readable, nothing serious for axe, nothing wider than the screen', async () => {
    const axe = readFileSync('node_modules/axe-core/axe.min.js', 'utf8')
    const colors = new Set<string>()
    for (const [colorScheme, width] of [
      ['light', 1280],
      ['dark', 390],
    ] as const) {
      const { page } = await open({ colorScheme, width })
      await page.evaluate(axe)
      expect(await seriousOf(page)).toEqual([])
      expect(await page.evaluate('document.documentElement.scrollWidth')).toBeLessThanOrEqual(width)
      colors.add(await page.evaluate('getComputedStyle(document.body).backgroundColor'))
      await page.close()
    }
    expect(colors.size).toBe(2)
  })
})

// The last one: it ends the server.
test('SIGTERM ends `serve` with 0', async () => {
  const ended = new Promise((resolve) => void scene.child.once('exit', (...how) => resolve(how)))
  scene.child.kill('SIGTERM')
  expect(await ended).toEqual([0, null])
})
