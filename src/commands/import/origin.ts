// Owns the origin of the public files: a base URL or a folder, from a flag, the environment or the default.
import { usageError } from '../../model/errors.ts'
import type { Flags } from '../../workspace/values.ts'
import { type Config, PUBLIC_URL } from '../../workspace/config.ts'
import { maskUrl } from '../../workspace/mask.ts'
import type { Setting } from '../../workspace/variables.ts'

export type ImportOrigin =
  | { readonly kind: 'web'; readonly baseUrl: string }
  | { readonly kind: 'folder'; readonly folder: string }

/** A flag beats the environment. @throws BackfillError `usage` for both a URL and a folder, or an invalid URL */
export function importOrigin({ importUrl, importFolder }: Config, flags: Flags): ImportOrigin {
  const typed = { url: flags.has('import-url'), folder: flags.has('import-folder') }
  const useUrl = importUrl.value !== undefined && (typed.url || !typed.folder)
  const useFolder = importFolder.value !== undefined && (typed.folder || !typed.url)
  if (useUrl && useFolder)
    throw usageError(
      `files would come both from ${placeOf(importUrl)} and from ${placeOf(importFolder)}`,
      'keep one of them',
    )
  if (useFolder) return { kind: 'folder', folder: importFolder.value }
  return { kind: 'web', baseUrl: useUrl ? checkedUrl(importUrl) : PUBLIC_URL }
}

function checkedUrl(setting: Setting<string | undefined>): string {
  const text = setting.value!.trim()
  const url = URL.parse(text)
  const wrong = (what: string) =>
    usageError(
      `${placeOf(setting)} ${what}, got '${maskUrl(text)}'`,
      `the part before /<network>/databases/default, such as ${PUBLIC_URL}`,
    )
  if (url === null || !['http:', 'https:'].includes(url.protocol)) throw wrong('must be an http(s) URL')
  if (url.username !== '' || url.password !== '' || url.search !== '' || url.hash !== '')
    throw wrong('must have no user, no password and no query')
  return url.href.replace(/\/+$/, '')
}

function placeOf({ origin }: Setting<unknown>): string {
  return origin.replace(/^\S+ /, '')
}
