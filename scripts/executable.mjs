// Owns building one executable file: a copy of this Node with all files of the package inside (Node's "single executable
// applications"). It unpacks them once for each version into the user's cache folder, and runs them from there. The
// embedded server is not in it. `node scripts/executable.mjs <file>`, after `npm run build`.
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  chmodSync,
  copyFileSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'

const root = fileURLToPath(new URL('..', import.meta.url))
const [file = 'backfill'] = process.argv.slice(2)
const target = resolve(file)
const manifest = (folder) => JSON.parse(readFileSync(join(root, folder, 'package.json'), 'utf8'))
const { files, dependencies } = manifest('.')
const packages = new Set(Object.keys(dependencies))
// A set visits what is added while it is visited.
for (const name of packages)
  for (const needed of Object.keys(manifest(`node_modules/${name}`).dependencies ?? {})) packages.add(needed)
const parts = [...files, 'package.json', 'LICENSE', ...[...packages].map((name) => `node_modules/${name}`)]

/** The files of a part, by their paths. */
function filesOf(part) {
  try {
    return readdirSync(join(root, part), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name).slice(root.length))
  } catch {
    return [part]
  }
}

const contents = Object.fromEntries(
  parts.flatMap(filesOf).map((path) => [path, readFileSync(join(root, path)).toString('base64')]),
)
const folder = mkdtempSync(join(tmpdir(), 'backfill-executable-'))
const packed = gzipSync(JSON.stringify(contents))
const version = createHash('sha256').update(packed).digest('hex').slice(0, 16)
writeFileSync(join(folder, 'files'), packed)
writeFileSync(
  join(folder, 'main.cjs'),
  `'use strict'
const { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } = require('node:fs')
const { createRequire } = require('node:module')
const { homedir } = require('node:os')
const { dirname, join } = require('node:path')
const { getRawAsset } = require('node:sea')
const { gunzipSync } = require('node:zlib')
const cache = join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'clickhouse-backfill')
const home = join(cache, '${version}')
function unpack() {
  mkdirSync(cache, { recursive: true, mode: 0o700 })
  const draft = mkdtempSync(join(cache, 'new-'))
  for (const [path, content] of Object.entries(JSON.parse(gunzipSync(getRawAsset('files'))))) {
    mkdirSync(dirname(join(draft, path)), { recursive: true })
    writeFileSync(join(draft, path), Buffer.from(content, 'base64'))
  }
  // A module of the executable itself can import none from the disk.
  writeFileSync(join(draft, 'start.cjs'), "module.exports = import('./dist/main.js')")
  try {
    renameSync(draft, home)
  } catch (error) {
    // Another process was faster.
    rmSync(draft, { recursive: true, force: true })
    if (!existsSync(home)) throw error
  }
}
try {
  if (!existsSync(home)) unpack()
} catch (error) {
  console.error('backfill: cannot unpack into ' + cache + ': ' + error.code)
  console.error('  set XDG_CACHE_HOME to a folder that it may write to')
  process.exitCode = 2
}
if (process.exitCode === undefined) createRequire(join(home, 'start.cjs'))('./start.cjs')
`,
)
writeFileSync(
  join(folder, 'sea.json'),
  JSON.stringify({
    main: join(folder, 'main.cjs'),
    output: join(folder, 'blob'),
    disableExperimentalSEAWarning: true,
    assets: { files: join(folder, 'files') },
  }),
)
execFileSync(process.execPath, ['--experimental-sea-config', join(folder, 'sea.json')], { stdio: 'ignore' })
copyFileSync(process.execPath, target)
chmodSync(target, 0o755)
// The marker is Node's own: https://nodejs.org/api/single-executable-applications.html
const fuse = 'NODE_SEA_FUSE_fce680ab2cc467b6e072b8b5df1996b2'
execFileSync(
  'npx',
  ['--yes', 'postject@1.0.0-alpha.6', target, 'NODE_SEA_BLOB', join(folder, 'blob'), '--sentinel-fuse', fuse],
  { stdio: 'ignore' },
)
rmSync(folder, { recursive: true })
