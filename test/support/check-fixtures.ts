// Owns test/fixtures/checks: the sound folder, and per rule what to break in it and what `check` says then.
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { expect } from 'vitest'
import { parse } from 'yaml'
import { repository, temporaryDirectory } from './processes.ts'

export type CheckFixture = {
  readonly rule: string
  readonly edit?: readonly { readonly file: string; readonly was: string; readonly is: string }[]
  /** Files to their texts. */
  readonly write?: Readonly<Record<string, string>>
  readonly remove?: readonly string[]
  /** The derived tables exist already, as the sound files make them. */
  readonly tables?: boolean
  /** A statement that was run on the server before. */
  readonly server?: string
  /** Flags that the rule needs. */
  readonly flags?: readonly string[]
  /** A server or a user that is not the ordinary one. */
  readonly with?: 'limited-user' | 'two-servers'
  /** All findings, a line each, the folder's name cut off. */
  readonly finds: string
}

const FOLDER = join(repository, 'test/fixtures/checks')
const SOUND = join(FOLDER, 'sound')

export const CHECK_FIXTURES: readonly CheckFixture[] = readdirSync(FOLDER)
  .filter((name) => name.endsWith('.yaml'))
  .toSorted()
  .map((name) => ({
    ...(parse(readFileSync(join(FOLDER, name), 'utf8')) as Omit<CheckFixture, 'rule'>),
    rule: name.slice(0, -'.yaml'.length),
  }))

/** Rules that files alone can break. */
export function isOffline({ rule }: CheckFixture): boolean {
  return Number(rule.slice(1)) < 60
}

/** A folder that breaks the rule; the sound one for no fixture. */
export function folderOf({ edit = [], write = {}, remove = [] }: Partial<CheckFixture> = {}): string {
  const folder = join(temporaryDirectory(), 'sql')
  cpSync(SOUND, folder, { recursive: true })
  for (const { file, was, is } of edit) {
    const text = readFileSync(join(folder, file), 'utf8')
    expect(text, `${file} has what is to be broken`).toContain(was)
    writeFileSync(
      join(folder, file),
      text.replace(was, () => is),
    )
  }
  for (const [file, text] of Object.entries(write)) {
    mkdirSync(dirname(join(folder, file)), { recursive: true })
    writeFileSync(join(folder, file), text)
  }
  for (const file of remove) rmSync(join(folder, file))
  return folder
}

/** The lines of the findings, without the folder's name and the last line. */
export function findingsIn(stdout: string, folder: string): string {
  const fromHere = relative(process.cwd(), folder)
  const shown = fromHere.length < folder.length ? fromHere : folder
  return stdout.replaceAll(`${shown}/`, '').split('\n').slice(0, -2).join('\n')
}
