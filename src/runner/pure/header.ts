// Owns the `--! key: value` lines above the SQL: which keys there are, which are required. Values: header-values.ts.
import { usageError } from '../errors.ts'
import type { Density, TableDefinition } from '../model.ts'
import {
  blockLimits,
  chunk,
  density,
  identifier,
  identifiers,
  ownParameters,
  rowsKind,
  settings,
  type HeaderEntry,
} from './header-values.ts'
import { knownNames } from './nearest.ts'
import { isSignificant, lex } from './sql-lexer.ts'
import { isHeaderLine } from './statements.ts'

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

/** Reads the header of a transform. Throws a usage error with file and line for anything that is not as documented. */
export function transformHeader(file: string, text: string): TransformHeader {
  const entries = headerEntries(file, text, TRANSFORM_KEYS)
  const given = <Value>(key: string, read: (entry: HeaderEntry) => Value): Value | undefined => {
    const entry = entries.get(key)
    return entry && read(entry)
  }
  const sources = given('sources', identifiers) ?? []
  const after = given('after', identifiers) ?? []
  if (sources.length + after.length === 0) {
    throw missing(file, 'sources', "the tables it reads (or 'after' with table keys)")
  }
  return {
    description: given('description', (entry) => entry.value) ?? lacking(file, 'description', 'one sentence'),
    target: given('target', identifier) ?? lacking(file, 'target', 'the table it fills, without database'),
    sources,
    after,
    blocks: given('blocks', blockLimits) ?? { from: undefined, to: undefined },
    chunk: given('chunk', chunk),
    settings: given('settings', settings) ?? {},
    params: given('params', ownParameters) ?? [],
    rows: given('rows', rowsKind) ?? lacking(file, 'rows', 'per-block, or per-key latest <column>'),
    shared: given('shared', identifier),
  }
}

/** Reads the header of a file of sql/source/. Throws a usage error with file and line. */
export function sourceHeader(file: string, text: string): { readonly density: Density } {
  const entry = headerEntries(file, text, ['density']).get('density')
  return { density: entry === undefined ? 'common' : density(entry) }
}

/** Throws a usage error with file and line if a file has header lines, where none mean anything. */
export function refuseHeader(file: string, text: string): void {
  headerEntries(file, text, [])
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
    const place = `${file}:${token.line}`
    if (sqlBegan) {
      throw usageError(
        `${place}: a '--!' line behind the beginning of the SQL`,
        'move it above the first statement',
      )
    }
    const [, key, value] = /^--!\s*([\w-]+)\s*:\s*(.*\S)\s*$/.exec(token.text) ?? []
    if (key === undefined || value === undefined) {
      throw usageError(`${place}: '${token.text.trimEnd()}' is no header line`, 'write --! key: value')
    }
    if (!keys.includes(key)) throw usageError(`${place}: unknown key '${key}'`, knownNames('keys', key, keys))
    const earlier = entries.get(key)
    if (earlier !== undefined) throw usageError(`${place}: '${key}' is given twice`, `see ${earlier.place}`)
    entries.set(key, { key, value, place })
  }
  return entries
}

function lacking(file: string, key: string, content: string): never {
  throw missing(file, key, content)
}

function missing(file: string, key: string, content: string) {
  return usageError(`${file}:1: the header lacks '${key}'`, `add a line --! ${key}: ${content}`)
}
