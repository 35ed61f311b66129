// Owns the layers of the configuration: flags, then the environment, then `.env`, then defaults. Every value has its
// origin.
import { readFileSync } from 'node:fs'
import { parseEnv } from 'node:util'
import { usageError } from '../model/errors.ts'
import type { EnvFile } from './env-file.ts'
import type { Word, Flags } from './values.ts'

/** A value and its origin: `flag --network`, `environment BACKFILL_LAG`, `.env BACKFILL_LAG`, `default`. */
export type Setting<T> = { readonly value: T; readonly origin: string }

export type Environment = Readonly<Record<string, string | undefined>>

export type Layers = {
  readonly flags: Flags
  readonly environment: Environment
  readonly dotenv: Environment
  readonly envFile: EnvFile | undefined
}

/** A variable that is set. An empty one counts as unset, because a crontab turns unset variables into empty ones. */
export type Variable = Word & { readonly origin: string }

export function variable(layers: Layers, name: string): Variable | undefined {
  const fromEnvironment = layers.environment[name] ?? ''
  if (fromEnvironment !== '') return { text: fromEnvironment, place: name, origin: `environment ${name}` }
  const fromFile = layers.dotenv[name] ?? ''
  if (fromFile !== '') return { text: fromFile, place: `${name} in .env`, origin: `.env ${name}` }
  return undefined
}

export function settingOf({ text, origin }: Variable): Setting<string> {
  return { value: text, origin }
}

/**
 * @param name flag without dashes, `table-jobs`; its variable is BACKFILL_TABLE_JOBS
 * @throws BackfillError `usage` if the winning value cannot be read
 */
export function setting<T>(layers: Layers, name: string, read: (word: Word) => T, fallback: T): Setting<T> {
  const typed = layers.flags.get(name)
  if (typed !== undefined) return { value: read(typed), origin: `flag ${typed.place}` }
  const found = variable(layers, `BACKFILL_${name.toUpperCase().replaceAll('-', '_')}`)
  return found === undefined
    ? { value: fallback, origin: 'default' }
    : { value: read(found), origin: found.origin }
}

/**
 * Reads `.env`; without one there are no variables.
 * @throws BackfillError `usage` if it exists and cannot be read.
 */
export function readDotenv(file: string | undefined): Environment {
  if (file === undefined) return {}
  try {
    return parseEnv(readFileSync(file, 'utf8'))
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException
    if (code === 'ENOENT') return {}
    throw usageError(`cannot read ${file}: ${code}`, 'make it a readable file, or move it away')
  }
}
