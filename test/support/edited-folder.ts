// Owns a copy of the project's SQL folder in which a test has edited one file, as a person would.
import { cpSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { temporaryDirectory } from './processes.ts'
import { SQL_FOLDER } from './workspace.ts'

/** Its path; it is removed when the test has finished. */
export function editedFolder(file: string, edit: (text: string) => string): string {
  const folder = join(temporaryDirectory(), 'sql')
  cpSync(SQL_FOLDER, folder, { recursive: true })
  const path = join(folder, file)
  writeFileSync(path, edit(readFileSync(path, 'utf8')))
  return folder
}
