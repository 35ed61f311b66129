// Owns building dist/, the published program: src/ without its types, in few files, because opening files dominates the
// start time. sql/ is shipped beside it. Kysely is bundled (300 files for one builder), with its licence.

import { chmodSync, copyFileSync, rmSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { build } from 'rolldown'

const root = new URL('..', import.meta.url)
const dist = new URL('dist/', root)

rmSync(dist, { recursive: true, force: true })
await build({
  cwd: fileURLToPath(root),
  input: { main: 'src/main.ts', 'server-child': 'src/embedded/server-child.ts' },
  platform: 'node',
  // Packages are installed beside the program.
  external: (id) => !id.startsWith('.') && !id.startsWith('/') && id !== 'kysely',
  // All in one folder, without a hash, because code looks for our files beside itself or one folder up.
  output: { dir: fileURLToPath(dist), chunkFileNames: '[name].js' },
})
copyFileSync(new URL('node_modules/kysely/LICENSE', root), new URL('kysely.LICENSE', dist))
chmodSync(new URL('main.js', dist), 0o755)
