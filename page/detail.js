// Owns what is shown of one table: what it is, its SQL and how that changed, what built it, what people did.
import { h, list, sentence } from './dom.js'
import { exactRanges } from './coverage.js'
import { minute, number, range, shortHash } from './format.js'

export function detail({ table, sums, definition, marks, zoom }) {
  const { description, target, rows, sources, after, file, files, sql, columns, versions } = definition
  const audits = files.filter((name) => /(^|\/)audits\//.test(name))
  const facts = [
    ['Table', table.target ?? target],
    ['Rows', `${rows}${table.rows === null ? '' : `, ${table.may_merge ? '~' : ''}${number(table.rows)}`}`],
    ['Reads', [...sources, ...after].join(', ')],
    ['Audits', audits.join(', ') || 'none'],
    ['Last run', `${minute(table.last_run)} UTC`],
    ['Lock', table.lock === null ? 'none' : `${table.lock.host} (pid ${table.lock.pid})`],
  ]
  return h(
    'section',
    { class: 'detail', 'aria-label': `Table ${table.table}` },
    h('h3', {}, table.table),
    h('p', {}, description),
    h(
      'dl',
      {},
      facts.flatMap(([name, value]) => [h('dt', {}, name), h('dd', {}, value)]),
    ),
    table.notes.map((note) => h('p', {}, sentence(note))),
    folded('Exact ranges', () => exactRanges(table, sums, zoom), true),
    folded('What built it', () => builders(table), true),
    folded(`SQL: ${file}`, () => h('pre', { tabindex: 0 }, highlighted(sql))),
    folded('Columns', () =>
      list(
        'Columns',
        ['name', 'type'],
        columns.map(({ name, type }) => [name, h('code', {}, type)]),
      ),
    ),
    folded(`SQL versions (${versions.length})`, () => versions.map(version)),
    folded(`Redone, accepted, adopted (${marks.length})`, () => deeds(marks)),
  )
}

function folded(title, content, open = false) {
  return h('details', open ? { open: '' } : {}, h('summary', {}, title), content())
}

function builders({ sql_hash, covered, stale_versions, hint }) {
  const stale = stale_versions.map(({ sql_hash: hash, reasons, ranges, built_from, built_to }) => [
    h('code', {}, shortHash(hash)),
    `stale: ${reasons.join(', ')}`,
    ranges.map(range).join(', '),
    built_from === null ? '-' : `${minute(built_from)} to ${minute(built_to)}`,
  ])
  const all =
    covered.length === 0 ? 'nothing' : stale.length === 0 ? 'all done blocks' : 'all other done blocks'
  const rows = [[h('code', {}, shortHash(sql_hash)), 'the file as it is', all, ''], ...stale]
  const next = stale.length === 0 ? [] : [h('p', {}, sentence(`\`${hint}\` builds the stale ranges again.`))]
  return h('div', {}, list('What built it', ['SQL', '', 'blocks', 'built (UTC)'], rows), next)
}

function version({ sql_hash, kept_at, file, patch }) {
  const lines = (patch ?? '').split('\n').map((line) => {
    const kind = line.startsWith('+')
      ? 'added'
      : line.startsWith('-')
        ? 'removed'
        : line.startsWith('@@')
          ? 'place'
          : ''
    return h('span', { class: kind }, `${line}\n`)
  })
  const title = h('p', {}, h('code', {}, shortHash(sql_hash)), ` kept ${minute(kept_at)} UTC from ${file}`)
  return h(
    'div',
    {},
    title,
    patch === null ? h('p', {}, 'the oldest text that the ledger kept') : h('pre', { tabindex: 0 }, lines),
  )
}

function deeds(marks) {
  if (marks.length === 0) return h('p', {}, 'nothing')
  const rows = marks.map((one) => [
    minute(one.ended),
    one.event,
    range([one.from, one.to]),
    `${one.user}@${one.host}`,
    one.run_id.slice(0, 8),
  ])
  return list('History', ['time (UTC)', 'event', 'blocks', 'by', 'run'], rows)
}

const TOKENS =
  /(?<comment>--[^\n]*|\/\*[\s\S]*?\*\/)|(?<string>'(?:[^'\\]|\\.|'')*')|(?<parameter>\{\w+:[^}]*\})|(?<keyword>\b(?:SELECT|FROM|WHERE|WITH|AS|AND|OR|NOT|IN|GROUP|ORDER|BY|UNION|ALL|DISTINCT|JOIN|LEFT|INNER|ANY|ON|USING|FINAL|PREWHERE|HAVING|LIMIT|BETWEEN|CASE|WHEN|THEN|ELSE|END|IS|NULL|OVER|PARTITION|ARRAY|INTERVAL|SETTINGS)\b)|(?<number>\b\d[\d_.]*\b)/g

function highlighted(sql) {
  const parts = []
  let end = 0
  for (const { 0: token, index, groups } of sql.matchAll(TOKENS)) {
    const [kind] = Object.entries(groups).find(([, value]) => value !== undefined)
    parts.push(sql.slice(end, index), h('span', { class: kind }, token))
    end = index + token.length
  }
  return [...parts, sql.slice(end)]
}
