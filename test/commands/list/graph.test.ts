import { expect, test } from 'vitest'
import { fileURLToPath } from 'node:url'
import { renderGraph } from '../../../src/commands/list/graph.ts'
import { chooseTables } from '../../../src/model/choose.ts'
import { readCatalogue } from '../../../src/project/sql-folder.ts'

const shipped = await readCatalogue(fileURLToPath(new URL('../../../sql', import.meta.url)))
const models = await readCatalogue(
  fileURLToPath(new URL('../../../sql', import.meta.url)),
  fileURLToPath(new URL('../../models', import.meta.url)),
)
const drawn = (format: keyof typeof renderGraph, selectors: readonly string[], catalogue = shipped) =>
  renderGraph[format](catalogue, chooseTables(catalogue, selectors)).join('\n')

test('the tree shows what a table reads, down to the sources', () => {
  expect(drawn('tree', ['+accounts_alive', '-*_6780_*'])).toBe(`\
accounts_alive
├─ address_diffs
│  ├─ canonical_execution_balance_diffs (source)
│  ├─ canonical_execution_storage_diffs (source)
│  ├─ canonical_execution_nonce_diffs (source)
│  ├─ canonical_execution_contracts (source)
│  └─ canonical_execution_transaction (source)
├─ pre_6780_accounts_destructs
└─ post_6780_accounts_destructs`)
})

test('the tree shows in full once what two tables read', () => {
  const [first, ...rest] = shipped.tables.filter(({ after }) => after.length > 0)
  const twin = { ...first!, key: 'twin' }
  const catalogue = { ...shipped, tables: [...shipped.tables, twin] }
  const lines = renderGraph.tree(catalogue, [...chooseTables(shipped, [`+${first!.key}`]), twin])
  expect(rest).toEqual([])
  expect(lines.filter((line) => line.includes('address_diffs'))).toEqual([
    '├─ address_diffs',
    '├─ address_diffs …',
  ])
  expect(lines.filter((line) => line.includes('balance_diffs (source)'))).toHaveLength(1)
})

test('a look-up is drawn with a broken line, and a source apart from a table', () => {
  const { key, lookups } = models.tables.find((table) => table.lookups?.includes('dim_node'))!
  expect(lookups).toContain('dim_node')
  expect(drawn('tree', [key], models)).toContain('─ dim_node (source) (read whole)')
  expect(drawn('mermaid', [key], models)).toContain(`  s_dim_node -.-> t_${key}`)
  expect(drawn('dot', [key], models)).toContain(`  s_dim_node -> t_${key} [style=dashed]`)
})

test('Mermaid and DOT have one node for each name, and an edge for each thing that is read', () => {
  for (const format of ['mermaid', 'dot'] as const) {
    const lines = drawn(format, []).split('\n')
    const edges = shipped.tables.flatMap(({ sources, after }) => [...sources, ...after])
    const nodes = [...new Set([...edges, ...shipped.tables.map(({ key }) => key)])]
    expect(lines.filter((line) => / -+> /.test(line))).toHaveLength(edges.length)
    expect(lines.filter((line) => /^ {2}\S+ ?\[/.test(line) || /^ {2}\w+\[/.test(line))).toHaveLength(
      nodes.length,
    )
  }
  expect(drawn('dot', ['block_slots_stat']).split('\n').slice(0, 3)).toEqual([
    'digraph backfill {',
    '  rankdir=LR',
    '  s_canonical_execution_storage_diffs [label="canonical_execution_storage_diffs" shape=cylinder]',
  ])
})
