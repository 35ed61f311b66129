// Owns the form of `status --format prometheus`, and that alerts and dashboard use nothing but its metrics.
import { readFileSync } from 'node:fs'
import { parser } from '@prometheus-io/lezer-promql'
import parsePrometheus from 'parse-prometheus-text-format'
import { expect, test } from 'vitest'
import { parse } from 'yaml'
import { type LastRun, metricsLines, type NetworkMetrics } from '../../../src/commands/status/metrics.ts'
import { CHAIN } from '../../support/status-report.ts'
import type { TableReport } from '../../../src/commands/status/table-report.ts'

const TABLE: TableReport = {
  table: 'address_diffs',
  target: 'mainnet.int_address_diffs',
  targetUuid: null,
  after: [],
  unit: 'block',
  first: 1,
  head: 20_000,
  newest: 20_384,
  inProgress: [],
  lastFailure: null,
  misfit: null,
  expectedMs: null,
  mayMerge: true,
  watermark: 9_000,
  covered: [],
  accepted: [],
  arrived: [],
  missing: [],
  missingBlocks: 7,
  doneBlocks: 17_491,
  expectedBlocks: 17_498,
  sourceGaps: [{ from: 9_001, to: 11_500 }],
  unprobed: [],
  kept: null,
  incomplete: [
    { from: 12_500, to: 12_500 },
    { from: 17_300, to: 17_300 },
  ],
  dirty: [{ from: 5, to: 6 }],
  stale: [{ from: 1, to: 100 }],
  staleVersions: [],
  sqlHash: '',
  hint: '',
  holds: [],
  sourceHead: null,
  limit: null,
  rows: 178_349,
  lastRun: null,
  eventsSinceCheckpoint: 12,
  state: 'missing',
  lock: null,
  standstill: null,
  absences: [{ state: 'no source rows', text: '' }],
  notes: [],
}
const EMPTY: TableReport = { ...TABLE, table: 'b', watermark: null, head: null, rows: null, absences: [] }
const RUN: LastRun = {
  table: 'address_diffs',
  ended: 1_790_000_000.5,
  idle: 340,
  seconds: 12.25,
  outcome: 'failed',
}
const INPUT: NetworkMetrics = {
  report: { ...CHAIN, network: 'odd "name"\\\n', tables: [TABLE, EMPTY] },
  runs: [RUN],
  newest: [
    { source: 'canonical_execution_traces', block: 20_384, age: 14 },
    { source: 'canonical_execution_contracts', block: 20_000, age: undefined },
  ],
}

const families = (...networks: readonly NetworkMetrics[]) =>
  parsePrometheus(`${metricsLines(networks, '1.2.3').join('\n')}\n`)

test('a parser of the exposition format reads every metric, its labels and its value back', () => {
  const found = new Map(families(INPUT).map((one) => [one.name, one]))
  const samples = (name: string) =>
    found.get(name)!.metrics.map(({ labels, value }) => [labels['table'] ?? labels['source'], Number(value)])
  expect(samples('backfill_missing_blocks')).toEqual([
    ['address_diffs', 7],
    ['b', 7],
  ])
  expect(samples('backfill_source_gap_blocks')[0]).toEqual(['address_diffs', 2_500])
  expect(samples('backfill_incomplete_blocks')[0]).toEqual(['address_diffs', 2])
  expect(samples('backfill_last_run_timestamp_seconds')).toEqual([['address_diffs', 1_790_000_000.5]])
  expect(found.get('backfill_done_blocks')!.metrics[0]!.labels).toEqual({
    network: 'odd "name"\\\n',
    table: 'address_diffs',
  })
  expect(
    found.get('backfill_last_run_outcome')!.metrics.map(({ labels, value }) => [labels['outcome'], value]),
  ).toEqual([
    ['done', '0'],
    ['failed', '1'],
    ['in progress', '0'],
    ['interrupted', '0'],
    ['out of time', '0'],
    ['locked', '0'],
  ])
})

const reasonsOf = (table: Partial<TableReport>) =>
  families({ ...INPUT, report: { ...INPUT.report, tables: [{ ...TABLE, ...table }, EMPTY] } })
    .find(({ name }) => name === 'backfill_standstill_seconds')
    ?.metrics.map(({ labels, value }) => [labels['table'], labels['reason'], value])

test('how long a table stands still has the reason as its label, and no sample of a table that never ran', () => {
  expect(reasonsOf({})).toEqual([['address_diffs', 'no run', '340']])
  const standstill = { reason: 'source', block: 20_000 } as const
  expect(reasonsOf({ missingBlocks: 0, standstill })).toEqual([['address_diffs', 'source', '340']])
  expect(reasonsOf({ missingBlocks: 0 })).toBe(undefined)
})

test('the metrics of two networks are one page: each is described once, and its samples carry the network', () => {
  const lines = metricsLines([INPUT, { ...INPUT, report: { ...INPUT.report, network: 'sepolia' } }], '1')
  const described = lines.filter((line) => line.startsWith('# HELP')).map((line) => line.split(' ')[2])
  expect(new Set(described).size).toBe(described.length)
  const found = families(INPUT, { ...INPUT, report: { ...INPUT.report, network: 'sepolia' } })
  const missing = found.find(({ name }) => name === 'backfill_missing_blocks')!.metrics
  expect(missing.map(({ labels }) => labels['network'])).toEqual([
    INPUT.report.network, INPUT.report.network, 'sepolia', 'sepolia',
  ]) // prettier-ignore
})

// node_exporter reads a file for each network, and leaves out what contradicts the file before.
test('two networks in two files have the same descriptions, and no series in common', () => {
  const [one, other] = ['mainnet', 'holesky'].map((network) =>
    metricsLines([{ ...INPUT, report: { ...INPUT.report, network } }], '1.2.3'),
  ) as [readonly string[], readonly string[]]
  const [described, otherDescribed] = [one, other].map((lines) =>
    lines.filter((line) => line.startsWith('#')),
  )
  expect(described).toEqual(otherDescribed)
  const series = new Set(one.filter((line) => !line.startsWith('#')).map((line) => line.split('} ')[0]))
  expect(other.filter((line) => series.has(line.split('} ')[0]))).toEqual([])
})

test('what is unknown has no sample: it is not 0', () => {
  const found = new Map(families(INPUT).map((one) => [one.name, one]))
  for (const name of ['backfill_watermark_block', 'backfill_head_block', 'backfill_table_rows'])
    expect(found.get(name)!.metrics.map(({ labels }) => labels['table'])).toEqual(['address_diffs'])
  expect(found.get('backfill_source_newest_age_seconds')!.metrics).toHaveLength(1)
  const nothing = families({ ...INPUT, runs: [], newest: [] }).map(({ name }) => name)
  expect(nothing).not.toContain('backfill_last_run_outcome')
  expect(nothing).not.toContain('backfill_source_newest_block')
})

test('names follow Prometheus: a prefix, base units, no total of what is no counter; every metric has its help', () => {
  const all = families(INPUT)
  expect(all.length).toBeGreaterThanOrEqual(18)
  for (const { name, help, type } of all) {
    expect(name).toMatch(/^backfill_[a-z_]+$/)
    expect(name).not.toMatch(/_(total|count|sum|bucket|ms|minutes|hours)$/)
    expect(type).toBe('GAUGE')
    expect(help).toMatch(/^[A-Z1].*\.$/)
  }
  expect(new Set(all.map(({ name }) => name)).size).toBe(all.length)
})

/** The names of the series that an expression reads. @throws Error if it is not PromQL */
function namesIn(expression: string): readonly string[] {
  const names: string[] = []
  parser.parse(expression).iterate({
    enter: (node) => {
      if (node.type.isError) throw new Error(`not PromQL: ${expression}`)
      if (node.name === 'Identifier' && node.node.parent?.name === 'VectorSelector')
        names.push(expression.slice(node.from, node.to))
    },
  })
  return names
}

/** Of node_exporter. */
const FOREIGN = ['node_textfile_mtime_seconds']

test('the alerts are PromQL over metrics that exist, and say what to do', () => {
  const { groups } = parse(readFileSync('packaging/prometheus/backfill.rules.yml', 'utf8')) as {
    groups: { rules: { alert: string; expr: string; annotations: Record<string, string> }[] }[]
  }
  const rules = groups.flatMap((group) => group.rules)
  expect(rules.length).toBeGreaterThanOrEqual(8)
  const known = [...families(INPUT).map(({ name }) => name), ...FOREIGN]
  for (const { alert, expr, annotations } of rules) {
    const names = namesIn(expr)
    expect(names.length, alert).toBeGreaterThan(0)
    expect(known, alert).toEqual(expect.arrayContaining([...names]))
    expect(Object.keys(annotations)).toEqual(['summary', 'description'])
  }
})

test('the dashboard shows every metric of a table and none that does not exist', () => {
  const { panels } = JSON.parse(readFileSync('packaging/grafana/backfill.json', 'utf8')) as {
    panels: { title: string; targets?: { expr?: string }[] }[]
  }
  const used = new Set(
    panels.flatMap(({ targets = [] }) =>
      targets.flatMap(({ expr }) => (expr === undefined ? [] : namesIn(expr))),
    ),
  )
  const known = families(INPUT).map(({ name }) => name)
  expect([...used].filter((name) => !known.includes(name))).toEqual([])
  expect(known.filter((name) => !used.has(name))).toEqual(['backfill_build_info'])
})
