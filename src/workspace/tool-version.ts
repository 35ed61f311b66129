// Owns the version of this program, as package.json says it.
import { readFileSync } from 'node:fs'
import { PACKAGE_FOLDER } from '../package-folder.ts'

export function toolVersion(): string {
  const manifest = JSON.parse(readFileSync(new URL('package.json', PACKAGE_FOLDER), 'utf8')) as {
    version: string
  }
  return manifest.version
}
