// Owns the checks of a transform against its header (bounds, forks, that every table it reads is named), and the order of tables: inputs
// come before the tables that read them.
import { attempt, fileError, ignore, type Report, knownNames } from '../model/errors.ts'
import { ddlColumns } from '../sql-syntax/create-table.ts'
import { type SourceDefinition, type SqlText, type TableDefinition, XATU_COLUMNS } from '../model/model.ts'
import type { HeaderDraft } from './header.ts'
import { significantTokens, unquoted } from '../sql-syntax/lexer.ts'
import { tableReads, tablesRead } from '../sql-syntax/table-refs.ts'

/** A table as far as its files could be read. */
export type TableDraft = {
  readonly key: string
  readonly file: string
  readonly header: HeaderDraft
  readonly lines: ReadonlyMap<string, number>
  readonly transform: SqlText | undefined
  readonly ddl: SqlText | undefined
  /** Undefined if a part of it is missing or wrong. */
  readonly definition: TableDefinition | undefined
}

/** Without these parameters a chunk would compute all of history, or rows of other networks. */
export function checkBounds(
  { file, line }: SqlText,
  { sources = [], after = [], sequential }: HeaderDraft,
  used: readonly string[],
  known: readonly SourceDefinition[],
  report: Report,
): void {
  const isOfAll = (name: string) =>
    known.some((one) => one.table === name && one.columns.network === undefined)
  const hasShort = ['from', 'to'].some((name) => used.includes(name))
  const needed = [
    ...(hasShort ? ['from', 'to'] : ['from_block', 'to_block']),
    ...(sources.length > 0 ? ['source'] : []),
    ...(sources.every(isOfAll) ? [] : ['network']),
    ...(after.length > 0 || sequential === 'itself' ? ['target'] : []),
  ]
  const types: Record<string, string> = { network: 'String', source: 'Identifier', target: 'Identifier' }
  for (const name of needed.filter((one) => !used.includes(one))) {
    const sentence = `the transform never uses '${name}'`
    report(
      fileError({ rule: 'E032', file, line, sentence, hint: `use {${name}:${types[name] ?? 'UInt64'}}` }),
    )
  }
}

export function checkForks(
  { file, header: { blocks }, lines }: Pick<TableDraft, 'file' | 'header' | 'lines'>,
  forks: readonly string[],
  report: Report,
): void {
  for (const fork of new Set([blocks?.from?.fork, blocks?.to?.fork])) {
    if (fork === undefined || forks.includes(fork)) continue
    const sentence = `blocks: no network has a fork '${fork}'`
    const hint = knownNames('forks', fork, forks)
    report(fileError({ rule: 'E034', file, line: lines.get('blocks'), sentence, hint }))
  }
}

/** Table functions that read tables whose names are texts, or patterns. */
const BY_PATTERN =
  /^(merge|mergeTree(Index|Projection|TextIndex|AnalyzeIndexes)|timeSeries(Data|Metrics|Samples|Selector|Tags))$/

/** A table that is read but not named does not bound the blocks: rows would be computed before its data arrives. */
export function checkReads(
  { file, header: { sources, after, target, sequential, lookups = [], outside = [] }, transform }: TableDraft,
  drafts: readonly TableDraft[],
  report: Report,
): void {
  if (transform === undefined || sources === undefined || after === undefined) return
  const targets = drafts
    .filter(({ key }) => after.includes(key) || lookups.includes(key))
    .map(({ header }) => header.target)
  if (sequential === 'itself') targets.push(target)
  const refuse = (
    rule: 'E042' | 'E043',
    read: ReadonlyMap<string, number>,
    named: readonly (string | undefined)[],
  ) => {
    const key = rule === 'E042' ? 'sources' : 'after'
    for (const [name, line] of read) {
      if (named.includes(name)) continue
      const sentence = `reads '${name}', which '${key}' does not name`
      report(fileError({ rule, file, line, sentence, hint: `add it to --! ${key}` }))
    }
  }
  refuse('E042', tablesRead(transform, 'source'), [...sources, ...lookups])
  refuse('E043', tablesRead(transform, 'target'), [...targets, ...lookups])
  const tokens = significantTokens(transform)
  for (const [at, token] of tokens.entries()) {
    const name = unquoted(token)
    if (!BY_PATTERN.test(name) || tokens[at + 1]?.text !== '(' || outside.includes(name)) continue
    const sentence = `reads tables by ${name}(…), which no line of the header can name: nothing would wait for their rows`
    const hint = `name each table, or a table of the engine Merge over them; if its rows never change, write --! outside: ${name}`
    report(fileError({ rule: 'E042', file, line: token.line, sentence, hint }))
  }
  // `after` refuses it as a cycle; this is the way around.
  for (const { database, table, line } of tableReads(transform)) {
    if (database === undefined || table !== target) continue
    const sentence = `reads '${database}.${table}', which has the name of its own target: ranges that run at the same time would not see each other's rows`
    report(
      fileError({ rule: 'E043', file, line, sentence, hint: 'compute it from sources and other tables' }),
    )
  }
}

/** The latest rows move on as the input grows: what a block makes of them is another thing an hour later. */
export function checkLatest(
  { file, header: { after, rows }, lines }: TableDraft,
  drafts: readonly TableDraft[],
  report: Report,
): void {
  if (rows?.kind !== 'per-block') return
  for (const key of after ?? []) {
    const input = drafts.find((draft) => draft.key === key)?.header.rows
    if (input?.kind !== 'per-key' || input.keep !== 'latest') continue
    const sentence = `after: '${key}' keeps the latest row of each key, so the rows of a block would depend on when it is computed`
    const hint = `write rows: per-key, or read what ${key} reads`
    report(fileError({ rule: 'E048', file, line: lines.get('after'), sentence, hint }))
  }
}

type Node = Pick<TableDraft, 'key' | 'file' | 'lines'> & {
  readonly header: Pick<TableDraft['header'], 'after'> & Partial<Pick<TableDraft['header'], 'lookups'>>
}

/** The tables, each after its inputs, else in the given order. Reports unknown keys in `after` and cycles. */
export function dependencyOrder<Table extends Node>(tables: readonly Table[], report: Report) {
  const byKey = new Map(tables.map((table) => [table.key, table]))
  const ordered = new Set<Table>()
  const visit = (table: Table, path: readonly string[]): void => {
    const { key, file, header, lines } = table
    const place = { file, line: lines.get('after') }
    if (path.includes(key)) {
      const cycle = [...path.slice(path.indexOf(key)), key].join(' -> ')
      const hint = "take one of them out of an 'after' line"
      return report(
        fileError({ rule: 'E040', ...place, sentence: `tables wait for each other: ${cycle}`, hint }),
      )
    }
    if (ordered.has(table)) return
    for (const one of header.after ?? []) {
      const input = byKey.get(one)
      if (input !== undefined) visit(input, [...path, key])
      else {
        const hint = knownNames('tables', one, [...byKey.keys()])
        report(fileError({ rule: 'E041', ...place, sentence: `after: there is no table '${one}'`, hint }))
      }
    }
    // A derived table that is looked up is created before.
    for (const one of header.lookups ?? [])
      if (byKey.has(one) && !path.includes(one)) visit(byKey.get(one)!, [...path, key])
    ordered.add(table)
  }
  for (const table of tables) visit(table, [])
  return [...ordered]
}

/** The tables, in dependency order, with their units and positions. Reports a table whose inputs count different things, or its limits another. */
export function withUnits(
  drafts: readonly TableDraft[],
  sources: readonly SourceDefinition[],
  report: Report,
): readonly TableDraft[] {
  for (const source of sources) checkPosition(source, report)
  const known = new Map<string, TableDefinition>()
  return drafts.map((draft) => {
    const { key, file, header, lines, definition } = draft
    if (definition === undefined) return draft
    const inputs = [
      ...definition.sources.map((name) => {
        const { unit = 'block', columns = XATU_COLUMNS } = sources.find(({ table }) => table === name) ?? {}
        return { name, unit, position: unit === 'block' ? XATU_COLUMNS.position : asNumber(columns.position) }
      }),
      ...definition.after.flatMap((name) => {
        const input = known.get(name)
        return input === undefined ? [] : [{ name, unit: input.unit, position: input.position }]
      }),
    ]
    const [{ unit, position, name } = { unit: 'block' as const, ...XATU_COLUMNS, name: '' }] = inputs
    const other = inputs.find((input) => input.unit !== unit)
    if (other !== undefined) {
      const sentence = `'${name}' counts ${unit}s and '${other.name}' ${other.unit}s: a range cannot be both`
      const hint = `name the one that does not bound its ranges after --! lookup, and read as much of it as they need`
      report(
        fileError({ rule: 'E036', file, line: lines.get('after') ?? lines.get('sources'), sentence, hint }),
      )
    }
    const { from, to } = definition.blocks
    const time = from?.time ?? to?.time
    if (time !== undefined && unit === 'block') {
      const sentence = `blocks: ${time} is a time, and ${key} counts blocks`
      const hint = 'write numbers of blocks or names of forks'
      report(fileError({ rule: 'E003', file, line: lines.get('blocks'), sentence, hint }))
    }
    const own = header.position === undefined ? position : asNumber(header.position)
    const whole = { ...definition, unit, position: own }
    known.set(key, whole)
    return { ...draft, definition: whole }
  })
}

/** Its numbers are days, or seconds under a name that says blocks: bounds of another unit would find no row. */
function checkPosition({ ddl, columns }: SourceDefinition, report: Report): void {
  const { position } = columns
  const column = attempt(ignore, () => ddlColumns(ddl))?.find(({ name }) => name === position)
  const isTime = position === XATU_COLUMNS.position && /^DateTime/i.test(column?.type ?? '')
  if (column === undefined || !(isTime || /^Date(32)?$/i.test(column.type))) return
  const sentence = `position: ${position} is a ${column.type}, which counts ${isTime ? 'seconds' : 'days'}`
  const hint = `write --! position: toUnixTimestamp(${position}, 'UTC') and --! unit: second`
  report(fileError({ rule: 'E003', file: ddl.file, line: ddl.line, sentence, hint }))
}

/** One number, whatever the expression is; a block column as it is, so that it is found in an index as it is. */
function asNumber(position: string): string {
  return position === XATU_COLUMNS.position ? position : `toUInt64(${position})`
}
