// Owns building dist/, the published program and library: src/ without its types and with the packages that it uses, in few
// files, because opening files dominates the start time. sql/ is shipped beside it, and so are the licences of the packages.

import { execFileSync } from 'node:child_process'
import {
  chmodSync,
  copyFileSync,
  existsSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { fileURLToPath } from 'node:url'
import { build } from 'rolldown'

const root = new URL('..', import.meta.url)
const dist = new URL('dist/', root)

/** Not in dist/: the client has its own releases, the embedded server is optional and native. */
const INSTALLED = /^(node:|@clickhouse\/client|chdb|ffi-rs)/
const PACKAGE = /\/node_modules\/((?:@[^/]+\/)?[^/]+)\/(?!.*\/node_modules\/)/

rmSync(dist, { recursive: true, force: true })
const { output } = await build({
  cwd: fileURLToPath(root),
  input: { main: 'src/main.ts', index: 'src/index.ts', 'server-child': 'src/embedded/server-child.ts' },
  platform: 'node',
  external: INSTALLED,
  // All in one folder, without a hash, because code looks for our files beside itself or one folder up.
  output: { dir: fileURLToPath(dist), chunkFileNames },
})
// The page of `report` carries it as it is: src/commands/report/page.ts.
for (const name of ['uPlot.iife.min.js', 'uPlot.min.css'])
  copyFileSync(new URL(`node_modules/uplot/dist/${name}`, root), new URL(name, dist))
writeFileSync(new URL('LICENSES.txt', dist), licences())
chmodSync(new URL('main.js', dist), 0o755)
// Types of the library. An image has no use for them, and is built without this file.
if (existsSync(new URL('tsconfig.types.json', root))) {
  execFileSync(process.execPath, ['node_modules/typescript/bin/tsc', '--project', 'tsconfig.types.json'], {
    cwd: fileURLToPath(root),
    stdio: 'inherit',
  })
  // Not imported above: an image is built without that file, too.
  const { trimTypes } = await import('./public-types.mjs')
  trimTypes(fileURLToPath(new URL('types', dist)))
}

/** `commands-status-render.js`, `package-kysely.js`; what several of them need is `shared-…`. */
function chunkFileNames({ facadeModuleId, name }) {
  if (!facadeModuleId) return `shared-${name}.js`
  const [, bundled] = PACKAGE.exec(facadeModuleId) ?? []
  if (bundled !== undefined) return `package-${bundled.replace('@', '').replace('/', '-')}.js`
  return `${facadeModuleId
    .slice(fileURLToPath(new URL('src/', root)).length)
    .replace(/\.ts$/, '')
    .replaceAll('/', '-')}.js`
}

/** The licence of every package of which something is in dist/. */
function licences() {
  const ids = output.flatMap(({ moduleIds = [] }) => moduleIds)
  const names = new Set(['uplot', ...ids.flatMap((id) => PACKAGE.exec(id)?.[1] ?? [])])
  return [...names]
    .toSorted()
    .map((name) => {
      const folder = new URL(`node_modules/${name}/`, root)
      const { version, license } = JSON.parse(readFileSync(new URL('package.json', folder), 'utf8'))
      const file = readdirSync(folder).find((one) => /^licen[cs]e/i.test(one))
      const text =
        file === undefined ? `License: ${license}` : readFileSync(new URL(file, folder), 'utf8').trim()
      return `${name} ${version}\n\n${text}\n`
    })
    .join(`\n${'-'.repeat(80)}\n\n`)
}
