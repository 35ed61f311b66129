// Owns the checks of `backfill check` that need no server, and the collection of findings.
import { BackfillError, type Finding, fileError, attempt, type Report } from '../../model/errors.ts'
import { lintDdl } from '../../targets/lint-ddl.ts'
import type { TableDraft } from '../../project/definition-checks.ts'
import { lintLastSecond } from './last-second.ts'
import { namedExpressions, NEAR } from './named-expressions.ts'
import { lintRowsCounted } from './rows-counted.ts'
import type { Catalogue, SqlText } from '../../model/model.ts'
import type { RuleId } from '../../model/rules.ts'
import { isKeyword, significantTokens, type Token, unquoted } from '../../sql-syntax/lexer.ts'
import { selectAround, tableReads, tablesRead } from '../../sql-syntax/table-refs.ts'
import { usedParameters } from '../../sql-syntax/parameters.ts'

/** Collects reported findings, each once; an error without a rule is thrown. `list`: sorted by file and line. */
export function gatherFindings() {
  const found = new Map<string, Finding>()
  return {
    report: (error: BackfillError) => {
      const { finding } = error
      if (finding === undefined) throw error
      const key = [finding.rule, finding.file, finding.line, finding.sentence].join('\n')
      if (!found.has(key)) found.set(key, finding)
    },
    list: (): readonly Finding[] =>
      [...found.values()].toSorted(
        (a, b) => compare(a.file, b.file) || (a.line ?? 1) - (b.line ?? 1) || compare(a.rule, b.rule),
      ),
  }
}

export function checkDrafts(drafts: readonly TableDraft[], catalogue: Catalogue, report: Report): void {
  const targets = new Map(drafts.map(({ key, header }) => [key, header.target]))
  for (const draft of drafts) {
    const { transform, ddl } = draft
    const { rows } = draft.header
    const errors = [
      transform && (() => lintTransform(transform, draft, targets)),
      transform && (() => lintLastSecond(transform, catalogue, draft.header.lookups)),
      transform && (() => lintRowsCounted(transform, catalogue)),
      ddl && rows && (() => lintDdl(ddl, rows, draft.definition?.position ?? draft.header.position)),
    ].flatMap((lint) => (lint && attempt(report, () => [...lint()])) ?? [])
    errors.forEach(report)
  }
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}

function parametersIn(tokens: readonly Token[]): readonly string[] {
  return tokens.flatMap(({ text }, at) => (tokens[at - 1]?.text === '{' ? [text] : []))
}

/** Names that stand for an expression with parameters: `lo` of `WITH toUInt32({from_block:UInt64}) AS lo`. */
function boundNames(tokens: readonly Token[]): ReadonlyMap<string, readonly string[]> {
  const named = [...namedExpressions(tokens)].map(([name, bound]) => [name, parametersIn(bound)] as const)
  return new Map(named.filter(([, parameters]) => parameters.length > 0))
}

function* lintTransform(
  transform: SqlText,
  { file, header, lines }: Pick<TableDraft, 'file' | 'header' | 'lines'>,
  targets: ReadonlyMap<string, string | undefined>,
): Generator<BackfillError, void> {
  const problem = (rule: RuleId, line: number | undefined, sentence: string, hint: string) =>
    fileError({ rule, file, line, sentence, hint })
  const tokens = significantTokens(transform)
  const standIns = boundNames(tokens)
  // Else E032 says so.
  const namesRange = [/^from(_block)?$/, /^to(_block)?$/].every((end) =>
    parametersIn(tokens).some((name) => end.test(name)),
  )
  const namedIn = new Map<readonly Token[], ReadonlySet<string>>()
  for (const { parameter, database, table, line, from } of tableReads(transform)) {
    const around = selectAround(tokens, from)
    const named =
      namedIn.get(around) ??
      new Set([...parametersIn(around), ...around.flatMap((one) => standIns.get(unquoted(one)) ?? [])])
    namedIn.set(around, named)
    const bound = (...names: readonly string[]) => names.some((name) => named.has(name))
    const [low, high] = [bound('from_block', 'from'), bound('to_block', 'to')]
    const key = parameter === 'target' ? header.after?.find((one) => targets.get(one) === table) : undefined
    const isInput = parameter === 'source' ? header.sources?.includes(table) : key !== undefined
    const readsBefore =
      parameter === 'source' ? header.sequential !== undefined : header.history?.includes(key ?? '')
    if (
      isInput &&
      namesRange &&
      header.rows?.kind === 'per-block' &&
      !(readsBefore ? low || high : high && (low || parameter === 'target'))
    )
      yield problem(
        'W037',
        line,
        `the SELECT that reads '${table}' does not name both ends of the range: its rows depend on blocks outside of the range, and later rows there make nothing stale`,
        `filter by {from_block:UInt64} and {to_block:UInt64} in this SELECT, or name ${key ?? table} after --! lookup`,
      )
    if (
      parameter === 'target' &&
      header.rows?.kind === 'per-block' &&
      high &&
      (!low || reachesBack(around)) &&
      !header.history?.some((one) => targets.get(one) === table) &&
      !(header.sequential === 'itself' && table === header.target)
    )
      yield problem(
        'W039',
        line,
        `reads '${table}' before the first block of its range, but waits only for the blocks of its own range: rows of earlier blocks that arrive later make nothing stale`,
        'read from {from_block:UInt64} on, or write `(all before)` behind its key in --! after',
      )
    if (parameter !== undefined || database === 'system') continue
    const hint = `write {source:Identifier}.${table} or {target:Identifier}.${table}, and name it in the header`
    yield database === undefined
      ? problem('E044', line, `reads '${table}' without a database`, hint)
      : problem(
          'W047',
          line,
          `reads '${database}.${table}' of a fixed database, which does not limit the table's blocks`,
          hint,
        )
  }
  for (const [at, token] of tokens.entries()) {
    if (!OF_DICTIONARY.test(unquoted(token)) || tokens[at + 1]?.text !== '(') continue
    const named = tokens.slice(at + 2, tokens[at + 3]?.text === '.' ? at + 5 : at + 3)
    const name = named.map(unquoted).join('')
    if (header.lookups?.includes(name.split('.').at(-1)!)) continue
    yield problem(
      'W047',
      token.line,
      `reads '${name}' by ${unquoted(token)}(), which does not limit the table's blocks: rows that change there make nothing stale`,
      `name it after --! lookup, if what it says of a block never changes`,
    )
  }
  const used = new Set(usedParameters(transform).map(({ name }) => name))
  for (const { name } of (header.params ?? []).filter((one) => !used.has(one.name)))
    yield problem('W035', lines.get('params'), `params: '${name}' is never used`, 'remove it, or use it')
  const [sources, derived] = [tablesRead(transform, 'source'), tablesRead(transform, 'target')]
  for (const name of (header.sources ?? []).filter((source) => !sources.has(source))) {
    const sentence = `sources: '${name}' is never read, but still limits the table's blocks`
    yield problem('W045', lines.get('sources'), sentence, 'remove it, or read it')
  }
  for (const key of header.after ?? []) {
    const target = targets.get(key)
    if (target === undefined || derived.has(target)) continue
    const sentence = `after: '${key}' (${target}) is never read, but the table still waits for it`
    yield problem('W046', lines.get('after'), sentence, 'remove it, or read it')
  }
}

/** Functions whose first argument is the name of a dictionary, or of a table of the engine Join. */
const OF_DICTIONARY = /^(dict(Get|Has|Is)\w*|joinGet(OrNull)?|dictionary)$/

/** Whether something is taken off the lower bound: `fromUnixTimestamp({from:UInt64}) - INTERVAL 1 DAY`. */
function reachesBack(tokens: readonly Token[]): boolean {
  return tokens.some((token, at) => {
    if (token.text !== '{' || !/^from(_block)?$/.test(tokens[at + 1]?.text ?? '')) return false
    const behind = tokens.slice(at + 1, at + NEAR)
    const end = behind.findIndex((one) => isKeyword(one, 'AND', 'OR'))
    return behind
      .slice(0, end === -1 ? undefined : end)
      .some(({ text, depth }) => text === '-' && depth <= token.depth)
  })
}
