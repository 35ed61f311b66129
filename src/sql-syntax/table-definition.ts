// Owns the differences between two CREATE TABLE statements, both as the server writes them. Pure.
import type { SqlText } from '../model/model.ts'
import type { RuleId } from '../model/rules.ts'
import { type Clauses, type CreateTable, createTable, DEFAULT_KINDS } from './create-table.ts'
import { keyText, readEngine } from './ddl-clauses.ts'
import { type Token, unspaced } from './lexer.ts'

/** One property of a definition; `text` is empty if the definition does not set it. */
type Aspect = {
  readonly rule: RuleId
  readonly place: { readonly column: string } | { readonly clause: string }
  /** The words before the text: `the rows are sorted by`. */
  readonly what: string
  readonly text: string
}

/** `here`: the file's text; `there`: the table's. E071: one of them lacks a column, the other has its type. */
export type Difference = Omit<Aspect, 'text'> & { readonly here: string; readonly there: string }

/** `made` by the server from the file. SETTINGS are the operator's choice; of a Distributed table only names, types and defaults count. */
export function definitionsDiffer(made: string, existing: string): readonly Difference[] {
  const [file, table] = [read(made), read(existing)]
  const holdsRows = !engineText(table.clauses).startsWith('Distributed')
  const shared = file.columns.flatMap(({ name }) => (lacks(table, name) ? [] : [name]))
  const [mine, others] = [file, table].map((one) => aspectsOf(one, shared, holdsRows))
  return [
    ...file.columns.flatMap(({ name, clauses }) =>
      lacks(table, name) ? [{ ...absent(name), here: columnText(clauses), there: '' }] : [],
    ),
    ...table.columns.flatMap(({ name, clauses }) =>
      lacks(file, name) ? [{ ...absent(name), here: '', there: typeOf(clauses) }] : [],
    ),
    ...mine!.flatMap(({ text: here, ...aspect }, index) => {
      const there = others![index]!.text
      return here === there ? [] : [{ ...aspect, here, there }]
    }),
  ]
}

export function lineOf(ddl: SqlText, place: Difference['place']): number | undefined {
  const { columns, clauses } = createTable(ddl)
  if ('column' in place) return columns.find(({ name }) => name === place.column)?.line
  return (clauses.get(place.clause) ?? clauses.get('ENGINE'))?.[0]?.line
}

function lacks({ columns }: CreateTable, wanted: string): boolean {
  return !columns.some(({ name }) => name === wanted)
}

function absent(column: string): Omit<Aspect, 'text'> {
  return { rule: 'E071', place: { column }, what: `the column '${column}' is` }
}

function read(definition: string): CreateTable {
  const text = definition.replace(/^CREATE TEMPORARY TABLE/, 'CREATE TABLE')
  return createTable({ file: 'system.tables', text, line: 1 })
}

/** The same number of aspects, in the same order, for every definition that has these columns. */
function aspectsOf(
  { columns, others, clauses }: CreateTable,
  names: readonly string[],
  holdsRows: boolean,
): readonly Aspect[] {
  const ofColumns = names.flatMap((column) => {
    const own = columns.find(({ name }) => name === column)!.clauses
    const aspect = (rule: RuleId, text: string, what = `'${column}' has`): Aspect => {
      return { rule, place: { column }, what, text }
    }
    const named = (...flags: readonly string[]) =>
      flags.flatMap((word) => (own.has(word) ? [`${word} ${textOf(own, word)}`] : [])).join(' ')
    return [
      aspect('E072', typeOf(own), `'${column}' is`),
      aspect('E073', named(...DEFAULT_KINDS)),
      ...(holdsRows
        ? [
            aspect('E077', named('TTL')),
            ...['CODEC', 'COMMENT', 'STATISTICS'].map((word) => aspect('W078', named(word))),
          ]
        : []),
    ]
  })
  if (!holdsRows) return ofColumns
  const aspect = (rule: RuleId, clause: string, what: string, text = textOf(clauses, clause)): Aspect => {
    return { rule, place: { clause }, what, text }
  }
  const primary = textOf(clauses, 'PRIMARY KEY')
  const sorted = textOf(clauses, 'ORDER BY') || primary
  return [
    ...ofColumns,
    aspect('E074', 'ENGINE', 'the engine is', engineText(clauses)),
    aspect('E075', 'ORDER BY', 'the rows are sorted by', sorted),
    aspect('E076', 'PARTITION BY', 'the rows are partitioned by'),
    aspect('E077', 'TTL', 'the rows have TTL'),
    aspect('W078', 'PRIMARY KEY', 'the primary key is', primary === sorted ? '' : primary),
    aspect('W078', 'SAMPLE BY', 'the rows are sampled by'),
    aspect('W078', 'COMMENT', 'the comment is'),
    aspect('W078', 'ENGINE', 'besides the columns there is', others.map(joined).toSorted().join(', ')),
  ]
}

/** A column's type, default, codec and comment, as ALTER TABLE takes them. */
function columnText(clauses: Clauses): string {
  const given = [...DEFAULT_KINDS, 'COMMENT'].flatMap((word) =>
    clauses.has(word) ? [`${word} ${textOf(clauses, word)}`] : [],
  )
  const codec = clauses.has('CODEC') ? [`CODEC(${textOf(clauses, 'CODEC')})`] : []
  return [typeOf(clauses), ...given, ...codec].join(' ')
}

function typeOf(clauses: Clauses): string {
  return joined(clauses.get('') ?? [])
}

/** Of keys and codecs without the brackets around all of it: `(a, b)` and `tuple(a, b)` are `a, b`. */
function textOf(clauses: Clauses, word: string): string {
  const tokens = clauses.get(word) ?? []
  return / BY$|KEY$|^CODEC$/.test(word) ? unspaced(keyText(tokens)) : joined(tokens)
}

function engineText(clauses: Clauses): string {
  const engine = readEngine(clauses.get('ENGINE') ?? [])
  return engine === undefined ? '' : `${engine.name}(${unspaced(engine.text)})`
}

function joined(tokens: readonly Token[]): string {
  return unspaced(tokens.map(({ text }) => text).join(' '))
}
