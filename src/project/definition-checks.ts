// Owns the checks of a transform against its header: bounds, forks, and that every table it reads is named.
import { fileError, type Report, knownNames } from '../model/errors.ts'
import type { SourceDefinition, SqlText, TableDefinition } from '../model/model.ts'
import type { HeaderDraft } from './header.ts'
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

/** A table that is read but not named does not bound the blocks: rows would be computed before its data arrives. */
export function checkReads(
  { file, header: { sources, after, target, sequential, lookups = [] }, transform }: TableDraft,
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
