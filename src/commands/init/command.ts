// Owns `backfill init`: it writes the files of a project, and touches nothing that is there.
import { lstatSync } from 'node:fs'
import { readdir, readFile } from 'node:fs/promises'
import { dirname, join, relative, resolve } from 'node:path'
import { EXIT, usageError } from '../../model/errors.ts'
import { PACKAGE_FOLDER } from '../../package-folder.ts'
import { nearestFolder, writeNewFiles } from '../../project/written-files.ts'
import type { Command } from '../../session/session.ts'
import { repositoryOf } from '../../workspace/env-file.ts'
import { nonEmpty, readFlag } from '../../workspace/values.ts'
import { inputsOf, tableFiles } from '../new/command.ts'

const WORKFLOW = '.github/workflows/backfill.yml'

/** File in sql-templates/project -> its place in a project. npm would not pack a .gitignore. */
const FILES: Readonly<Record<string, string>> = {
  'README.md': 'README.md',
  'env.example': '.env.example',
  gitignore: '.gitignore',
  sqlfluff: '.sqlfluff',
  'ci.yml': WORKFLOW,
}

/** @throws BackfillError `usage` if a file cannot be written; then none is left */
export const init: Command = async ({ config, flags, output }) => {
  const folder = readFlag(flags, 'folder', nonEmpty) ?? '.'
  // Words are joined by commas.
  if (folder.includes(','))
    throw usageError(`\`init\` takes one folder, not '${folder}'`, 'name a folder without a comma')
  const root = resolve(config.folder, folder)
  const sql = join(root, 'sql')
  const texts = Object.entries(FILES).map(async ([template, path]) => {
    const url = new URL(`sql-templates/project/${template}`, PACKAGE_FOLDER)
    return [join(root, path), await readFile(url, 'utf8')] as const
  })
  const transforms = await readdir(join(sql, 'transforms')).catch(() => [])
  const table = transforms.length === 0 ? await tableFiles(sql, await sampleTable()) : []
  const all = new Map([...(await Promise.all(texts)), ...table])
  const kept = [...all.keys()].filter(isThere)
  const ignored = join(root, '.gitignore')
  const has = (await readFile(ignored, 'utf8').catch(() => '')).split(/\r?\n/)
  const wanted = kept.includes(ignored) ? all.get(ignored)!.trim().split('\n') : []
  const lacking = wanted.filter((line) => !has.includes(line))
  for (const path of kept) all.delete(path)
  const written = await writeNewFiles(await nearestFolder(root), all)
  const names = kept.map((path) => relative(config.folder, path))
  const lines = [...written.map((path) => `Wrote ${path}`), ...names.map((path) => `Kept ${path}`)]
  output.answer({ written, kept: names }, lines)
  if (lacking.length > 0) output.message([`Add to ${relative(config.folder, ignored)}: ${lacking.join(' ')}`])
  const above = repositoryOf(dirname(root))
  if (written.length > 0 && above !== undefined && repositoryOf(root) !== root)
    output.message([
      `GitHub reads workflows at the root of a repository alone: move ${WORKFLOW} to ${relative(config.folder, above) || '.'}/.github/workflows, with \`defaults: { run: { working-directory: ${relative(above, root)} } }\` in its job.`,
    ])
  const cd = root === config.folder ? '' : `cd ${relative(config.folder, root)}, then `
  output.message([`Next: ${cd}\`backfill check --offline\`, \`backfill test\`, \`backfill demo\`.`])
  return EXIT.ok
}

async function sampleTable() {
  const { readCatalogue } = await import('../../project/sql-folder.ts')
  const inputs = inputsOf(await readCatalogue(), { sources: ['transaction'], after: [] })
  return { key: 'transactions_per_block', inputs }
}

/** Also a link that leads nowhere. What cannot be looked at cannot be written either, which says why. */
function isThere(path: string): boolean {
  try {
    return lstatSync(path, { throwIfNoEntry: false }) !== undefined
  } catch {
    return false
  }
}
