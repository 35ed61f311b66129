// Owns dist/, the published program: src/ without its types, in few files, since opening files is what takes a program
// long to start. sql/ is shipped beside it. Kysely is part of it (300 files for one builder), so its licence is too.

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
  // All beside one another, without a hash: what looks for a file of ours looks beside itself, or one folder up.
  output: { dir: fileURLToPath(dist), chunkFileNames: '[name].js' },
})
copyFileSync(new URL('node_modules/kysely/LICENSE', root), new URL('kysely.LICENSE', dist))
chmodSync(new URL('main.js', dist), 0o755)
