// Owns the `--! key: value` lines above the SQL: known and required keys. Values: header-values.ts.
import { type BackfillError, fileError } from '../model/errors.ts'
import type { BlockCoverage, TableDefinition } from '../model/model.ts'
import {
  blockLimits,
  chunk,
  blockCoverage,
  doctorServers,
  type DoctorServer,
  expression,
  identifier,
  identifiers,
  ownParameters,
  rowsKind,
  settings,
  type HeaderEntry,
} from './header-values.ts'
import { knownNames } from '../model/did-you-mean.ts'
import { attempt, refuse, type Report } from '../sql-syntax/problems.ts'
import { isSignificant, lex, type Token } from '../sql-syntax/lexer.ts'
import type { ShardBy } from '../sql-syntax/table-forms.ts'
import { isHeaderLine } from '../sql-syntax/statements.ts'

export type TransformHeader = Pick<
  TableDefinition,
  | 'description'
  | 'target'
  | 'sources'
  | 'after'
  | 'blocks'
  | 'chunk'
  | 'settings'
  | 'params'
  | 'rows'
  | 'shared'
>

/** A header as far as it could be read: undefined for missing or wrong values. */
export type HeaderDraft = { readonly [Key in keyof TransformHeader]: TransformHeader[Key] | undefined }

export type ReadHeader = {
  readonly header: HeaderDraft
  /** Line of each present key. */
  readonly lines: ReadonlyMap<string, number>
}

/** Reads the header of a transform; reports errors. */
export function readHeader(file: string, text: string, report: Report): ReadHeader {
  const entries = attempt(report, () => headerEntries(file, text, TRANSFORM_KEYS, report)) ?? new Map()
  const given = <Value, Absent>(key: string, read: (entry: HeaderEntry) => Value, absent: Absent) => {
    const entry = entries.get(key)
    return entry === undefined ? absent : attempt(report, () => read(entry))
  }
  const needed = <Value>(key: string, read: (entry: HeaderEntry) => Value, content: string) => {
    if (!entries.has(key)) report(missing(file, key, content))
    return given(key, read, undefined)
  }
  const [sources, after] = [given('sources', identifiers, []), given('after', identifiers, [])]
  if (!entries.has('sources') && !entries.has('after')) {
    report(missing(file, 'sources', "the tables it reads (or 'after' with table keys)"))
  }
  const header = {
    description: needed('description', (entry) => entry.value, 'one sentence'),
    target: needed('target', identifier, 'the table it fills, without database'),
    sources,
    after,
    blocks: given('blocks', blockLimits, { from: undefined, to: undefined }),
    chunk: given('chunk', chunk, undefined),
    settings: given('settings', settings, {}),
    params: given('params', ownParameters, []),
    rows: needed('rows', rowsKind, 'per-block, or per-key latest <column>'),
    shared: given('shared', identifier, undefined),
  }
  return { header, lines: new Map([...entries].map(([key, { line }]) => [key, line])) }
}

/** Reads the header of a file of sql/source/. Throws a usage error with file and line. */
export function sourceHeader(file: string, text: string): { readonly blockCoverage: BlockCoverage } {
  const entry = headerEntries(file, text, ['block-coverage'], refuse).get('block-coverage')
  return { blockCoverage: entry === undefined ? 'most-blocks' : blockCoverage(entry) }
}

/** Reads the header of a file of sql/ddl/; reports errors. */
export function ddlHeader(
  file: string,
  text: string,
  report: Report,
): { readonly shard: ShardBy | undefined } {
  const entry = attempt(report, () => headerEntries(file, text, ['shard'], report))?.get('shard')
  const written = entry && attempt(report, () => expression(entry))
  return { shard: entry && written ? { expression: written, line: entry.line } : undefined }
}

/** Reads the header of a file of sql/import/. Throws a usage error with file and line. */
export function importHeader(file: string, text: string): Pick<TransformHeader, 'description' | 'settings'> {
  const entries = headerEntries(file, text, ['description', 'settings'], refuse)
  const [description, set] = [entries.get('description'), entries.get('settings')]
  if (description === undefined) throw missing(file, 'description', 'one sentence')
  return { description: description.value, settings: set === undefined ? {} : settings(set) }
}

export type DoctorHeader = {
  /** Heading of the check: `Storage`. */
  readonly group: string
  readonly servers: readonly DoctorServer[]
  /** Sentence to print if the file returns no row. */
  readonly ok: string
}

/** Reads the header of a file of sql/doctor/. Throws a usage error with file and line. */
export function doctorHeader(file: string, text: string): DoctorHeader {
  const entries = headerEntries(file, text, ['group', 'server', 'ok'], refuse)
  const needed = (key: string, content: string): HeaderEntry => {
    const entry = entries.get(key)
    if (entry === undefined) throw missing(file, key, content)
    return entry
  }
  return {
    group: needed('group', 'Storage').value,
    servers: doctorServers(needed('server', 'target')),
    ok: needed('ok', 'what is true where no row is returned').value,
  }
}

/** Reports header lines in a file that may have none. */
export function throwHeaderError(file: string, text: string, report: Report = refuse): void {
  attempt(report, () => headerEntries(file, text, [], report))
}

const TRANSFORM_KEYS: readonly string[] = [
  'description',
  'target',
  'sources',
  'after',
  'blocks',
  'chunk',
  'settings',
  'params',
  'rows',
  'shared',
]

function headerEntries(
  file: string,
  text: string,
  keys: readonly string[],
  report: Report,
): ReadonlyMap<string, HeaderEntry> {
  const entries = new Map<string, HeaderEntry>()
  const lastMark = text.lastIndexOf('--!')
  let sqlBegan = false
  let offset = 0
  for (const token of lex({ file, text, line: 1 })) {
    if (offset > lastMark) break
    offset += token.text.length
    sqlBegan ||= isSignificant(token)
    if (!isHeaderLine(token)) continue
    const entry = attempt(report, () => headerEntry(file, token, { keys, entries, sqlBegan }))
    if (entry !== undefined) entries.set(entry.key, entry)
  }
  return entries
}

type EntryContext = {
  readonly keys: readonly string[]
  /** The header lines above it. */
  readonly entries: ReadonlyMap<string, HeaderEntry>
  readonly sqlBegan: boolean
}

function headerEntry(file: string, token: Token, { keys, entries, sqlBegan }: EntryContext): HeaderEntry {
  const place = { file, line: token.line }
  if (sqlBegan) {
    throw fileError({
      rule: 'E005',
      ...place,
      sentence: "a '--!' line behind the beginning of the SQL",
      hint: 'move it above the first statement',
    })
  }
  const [, key, value] = /^--!\s*([\w-]+)\s*:\s*(.*\S)\s*$/.exec(token.text) ?? []
  if (key === undefined || value === undefined) {
    const sentence = `'${token.text.trimEnd()}' is not a header line`
    throw fileError({ rule: 'E005', ...place, sentence, hint: 'write --! key: value' })
  }
  if (!keys.includes(key)) {
    const hint = knownNames('keys', key, keys)
    throw fileError({ rule: 'E001', ...place, sentence: `unknown key '${key}'`, hint })
  }
  const earlier = entries.get(key)
  if (earlier !== undefined) {
    const hint = `see ${file}:${earlier.line}`
    throw fileError({ rule: 'E004', ...place, sentence: `'${key}' is given twice`, hint })
  }
  return { key, value, ...place }
}

function missing(file: string, key: string, content: string): BackfillError {
  return fileError({
    rule: 'E002',
    file,
    line: 1,
    sentence: `the header lacks '${key}'`,
    hint: `add a line --! ${key}: ${content}`,
  })
}
