// Owns the `--! key: value` lines above the SQL: known and required keys. Values: header-values.ts.
import * as readers from './header-values.ts'
import { type BackfillError, fileError, attempt, refuse, type Report, knownNames } from '../model/errors.ts'
import { type BlockCoverage, type TableDefinition, type Unit, XATU_COLUMNS } from '../model/model.ts'
import type { HeaderEntry, Input } from './header-values.ts'
import { isSignificant, lex } from '../sql-syntax/lexer.ts'
import type { ShardBy } from '../sql-syntax/table-forms.ts'
import { isHeaderLine } from '../sql-syntax/statements.ts'

type Key<Value> = {
  readonly read: (entry: HeaderEntry) => Value
  readonly absent: Value | undefined
  /** What to write after it, for the error about a needed key that is absent. */
  readonly content?: string
}

type Keys = Readonly<Record<string, Key<unknown>>>

type Values<All extends Keys> = {
  readonly [Name in keyof All]: All[Name] extends Key<infer Value> ? Value : never
}

/** A header as far as it could be read: undefined for missing or wrong values. */
type Draft<Header> = { readonly [Name in keyof Header]: Header[Name] | undefined }

function needed<Value>(read: (entry: HeaderEntry) => Value, content: string): Key<Value> {
  return { read, absent: undefined, content }
}

function optional<Value>(read: (entry: HeaderEntry) => Value, absent: Value): Key<Value> {
  return { read, absent }
}

const TRANSFORM_KEYS = {
  description: needed(readers.words, 'one sentence'),
  target: needed(readers.identifier, 'the table it fills, without database'),
  sources: optional(readers.identifiers, []),
  lookup: optional<readonly string[]>(readers.identifiers, []),
  after: optional<readonly Input[]>(readers.inputs, []),
  order: optional<'sequential' | undefined>(readers.oneOf(['sequential'], 'order'), undefined),
  position: optional<string | undefined>(readers.position, undefined),
  volatile: optional<readonly string[]>(readers.columns, []),
  tags: optional(readers.tags, []),
  blocks: optional(readers.blockLimits, { from: undefined, to: undefined }),
  chunk: optional<number | undefined>(readers.chunk, undefined),
  settings: optional(readers.settings, {}),
  params: optional(readers.ownParameters, []),
  rows: needed(readers.rowsKind, 'per-block, or per-key latest <column>'),
  shared: optional<string | undefined>(readers.identifier, undefined),
  fresh: optional<number | undefined>(readers.seconds, undefined),
  outside: optional<readonly string[]>(readers.calls, []),
}

const { outside: OUTSIDE } = TRANSFORM_KEYS

type WrittenHeader = Values<typeof TRANSFORM_KEYS>

export type TransformHeader = Omit<WrittenHeader, 'after' | 'order' | 'lookup'> &
  Required<Pick<TableDefinition, 'after' | 'history' | 'lookups' | 'sequential'>>

export type HeaderDraft = Draft<TransformHeader>

type ReadHeader = { readonly header: HeaderDraft; readonly lines: ReadonlyMap<string, number> }

export function readHeader(file: string, sql: string, report: Report): ReadHeader {
  const read = readKeys(file, sql, TRANSFORM_KEYS, report)
  if (!read.lines.has('sources') && !read.lines.has('after'))
    report(missing(file, 'sources', "the tables it reads (or 'after' with table keys)"))
  const { after, order, lookup, ...header } = read.header
  const keys = after?.map(({ key }) => key)
  const isOwnInput = keys?.includes(ITSELF) === true
  const sentence = 'after: itself: the rows before a range must be there before it runs'
  const hint = 'add a line --! order: sequential'
  if (isOwnInput && order === undefined)
    report(fileError({ rule: 'E003', file, line: read.lines.get('after'), sentence, hint }))
  return {
    ...read,
    header: {
      ...header,
      lookups: lookup,
      after: keys?.filter((key) => key !== ITSELF),
      history: after?.flatMap(({ key, history }) => (history && key !== ITSELF ? [key] : [])),
      sequential: isOwnInput ? 'itself' : order && 'ordered',
    },
  }
}

/** In `after`: the rows that the table has of the ranges before. */
const ITSELF = 'itself'

/** Reads the header of a file of sql/source/. Throws a usage error with file and line. */
export function sourceHeader(file: string, sql: string) {
  const keys = {
    'block-coverage': optional<BlockCoverage>(
      readers.oneOf(readers.BLOCK_COVERAGES, 'block coverage'),
      'most-blocks',
    ),
    position: optional(readers.position, XATU_COLUMNS.position),
    unit: optional<Unit | undefined>(readers.oneOf(['block', 'second'], 'unit'), undefined),
    network: optional(readers.columnOrNone, XATU_COLUMNS.network),
    written: optional(readers.columnOrNone, XATU_COLUMNS.written),
    lag: optional<number | undefined>(readers.distance, undefined),
    gap: optional<number | undefined>(readers.chunk, undefined),
    outside: OUTSIDE,
    view: optional<'safe' | undefined>(readers.oneOf(['safe'], 'word about a view'), undefined),
  }
  const header = completeHeader(file, sql, keys)
  const { 'block-coverage': blockCoverage, position: at, unit = unitOf(at), network, written } = header
  const { outside, lag, gap } = header
  const columns = { position: at, network, written }
  return { outside, lag, gap, blockCoverage, safeView: header.view === 'safe', unit, columns }
}

/** The unit of a position without `--! unit:`: seconds if the expression makes a time a number. */
function unitOf(expressed: string): Unit {
  return /time/i.test(expressed) ? 'second' : 'block'
}

export function ddlHeader(file: string, sql: string, report: Report) {
  const keys = { shard: optional<ShardBy | undefined>(readers.expression, undefined), outside: OUTSIDE }
  return readKeys(file, sql, keys, report).header
}

export function importHeader(file: string, sql: string) {
  const { description, settings: set } = TRANSFORM_KEYS
  return completeHeader(file, sql, { description, settings: set, outside: OUTSIDE })
}

/** Of files of sql/doctor/. `each node`: every server of the target's cluster, or the target; `keeper`: the target if its cluster has Keeper. */
const DOCTOR_SERVERS = ['source', 'target', 'each node', 'cluster', 'keeper'] as const

function doctorServers(entry: HeaderEntry) {
  return entry.value
    .split(',')
    .map((part) => readers.oneOf(DOCTOR_SERVERS, 'server')({ ...entry, value: part.trim() }))
}

const DOCTOR_KEYS = {
  group: needed(readers.words, 'Storage'),
  server: needed(doctorServers, 'target'),
  /** Sentence to print if the file returns no row. */
  ok: needed(readers.words, 'what is true where no row is returned'),
  outside: OUTSIDE,
}

export type DoctorHeader = Values<typeof DOCTOR_KEYS>

export function doctorHeader(file: string, sql: string): DoctorHeader {
  return completeHeader(file, sql, DOCTOR_KEYS)
}

/** Reports header lines in a file that may have none. */
export function throwHeaderError(file: string, sql: string, report: Report = refuse): void {
  readKeys(file, sql, {}, report)
}

function completeHeader<All extends Keys>(file: string, sql: string, keys: All): Values<All> {
  return readKeys(file, sql, keys, refuse).header as Values<All>
}

function readKeys<All extends Keys>(file: string, sql: string, keys: All, report: Report) {
  const known = Object.keys(keys)
  const entries =
    attempt(report, () => headerEntries(file, sql, known, report)) ?? new Map<string, HeaderEntry>()
  const values = Object.entries(keys).map(([key, { read, absent, content }]) => {
    const entry = entries.get(key)
    if (entry !== undefined) return [key, attempt(report, () => read(entry))]
    if (content !== undefined) report(missing(file, key, content))
    return [key, absent]
  })
  return {
    header: Object.fromEntries(values) as Draft<Values<All>>,
    lines: new Map([...entries].map(([key, { line }]) => [key, line])),
  }
}

function headerEntries(
  file: string,
  sql: string,
  keys: readonly string[],
  report: Report,
): ReadonlyMap<string, HeaderEntry> {
  const entries = new Map<string, HeaderEntry>()
  const lastMark = sql.lastIndexOf('--!')
  let sqlBegan = false
  for (const token of lex({ file, text: sql, line: 1 })) {
    sqlBegan ||= isSignificant(token)
    if (isHeaderLine(token)) {
      const { line } = token
      const wrong = (rule: 'E001' | 'E004' | 'E005', sentence: string, hint: string) =>
        report(fileError({ rule, file, line, sentence, hint }))
      const [, key = '', value] = /^--!\s*([\w-]+)\s*:\s*(.*\S)\s*$/.exec(token.text) ?? []
      const earlier = entries.get(key)
      if (sqlBegan)
        wrong('E005', "a '--!' line behind the beginning of the SQL", 'move it above the first statement')
      else if (value === undefined)
        wrong('E005', `'${token.text.trimEnd()}' is not a header line`, 'write --! key: value')
      else if (!keys.includes(key))
        wrong('E001', `unknown key '${key}'`, placeOf(key) ?? knownNames('keys', key, keys))
      else if (earlier !== undefined) wrong('E004', `'${key}' is given twice`, `see ${file}:${earlier.line}`)
      else entries.set(key, { key, value, file, line })
    }
    if (token.end > lastMark) break
  }
  return entries
}

/** What the keys say of a source is said in its own file. */
const placeOf = (key: string) =>
  /^(block-coverage|unit|network|written|lag|gap|view)$/.test(key)
    ? 'write it into sql/source/<table>.sql'
    : undefined

function missing(file: string, key: string, content: string): BackfillError {
  const hint = `add a line --! ${key}: ${content}`
  return fileError({ rule: 'E002', file, line: 1, sentence: `the header lacks '${key}'`, hint })
}
