// Owns which SQL folders a command uses, and what they are called in output.
import { existsSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { PROGRAM_SQL } from '../package-folder.ts'
import { nonEmpty, type Word } from './values.ts'
import { type Layers, type Setting, setting } from './variables.ts'

/** The tables of this package, as people name its folder. */
const XATU = 'xatu'

/** `isUsual`: --sql was typed, and without it the folders would be the same. */
type SqlFolders = Setting<readonly string[]> & { readonly isUsual: boolean }

/** --sql, BACKFILL_SQL, `sql` beside the `.env` that is used (without one: in the working folder), the package's own. */
export function sqlFolders(layers: Layers, folder: string): SqlFolders {
  const { envFile } = layers
  const beside = join(envFile === undefined ? folder : dirname(envFile.path), 'sql')
  // A folder with one of them alone has a mistake, which the package's own tables would hide.
  const isProject = ['transforms', 'ddl'].some((name) => existsSync(join(beside, name)))
  const read = (from: Layers) => setting(from, 'sql', folderNames, [isProject ? beside : XATU])
  const paths = ({ value }: Setting<readonly string[]>) =>
    value.map((name) => (name === XATU ? PROGRAM_SQL : resolve(folder, name)))
  const found = read(layers)
  const untyped = new Map([...layers.flags].filter(([name]) => name !== 'sql'))
  return {
    value: paths(found),
    isUsual:
      layers.flags.has('sql') && paths(read({ ...layers, flags: untyped })).join() === paths(found).join(),
    origin:
      found.origin === 'default' && isProject
        ? `default: ${envFile === undefined ? 'in the working folder' : 'beside .env'}`
        : found.origin,
  }
}

function folderNames(word: Word): readonly string[] {
  return nonEmpty(word)
    .split(',')
    .map((text) => nonEmpty({ ...word, text: text.trim() }))
}

export function shownFolders(folders: readonly string[], folder: string): string {
  return folders.map((one) => (one === PROGRAM_SQL ? XATU : relative(folder, one) || '.')).join(', ')
}
