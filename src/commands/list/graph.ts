// Owns the forms of `list` that show what reads what: a tree for the terminal, Mermaid and DOT for a drawing. Pure.
import { tablesReadBy } from '../../model/choose.ts'
import type { Catalogue, TableDefinition } from '../../model/model.ts'

/** The tables to show, of a whole folder. */
type Render = (catalogue: Folder, tables: readonly TableDefinition[]) => readonly string[]
type Folder = Pick<Catalogue, 'sources' | 'tables'>

/** `from`: a source, or the key of a derived table; `whole`: a look-up, which nothing waits for. */
type Edge = { readonly from: string; readonly to: string; readonly derived: boolean; readonly whole: boolean }

function edgesOf(catalogue: Folder, tables: readonly TableDefinition[]): readonly Edge[] {
  return tables.flatMap((table) => {
    const { key: to, sources, after, lookups = [] } = table
    const known = tablesReadBy(table, catalogue)
    return [
      ...sources.map((from) => ({ from, to, derived: false, whole: false })),
      ...after.map((from) => ({ from, to, derived: true, whole: false })),
      ...lookups.map((name) => {
        const derived = known.find(
          ({ key, table: target }) => key !== undefined && [key, target].includes(name),
        )
        return { from: derived?.key ?? name, to, derived: derived !== undefined, whole: true }
      }),
    ]
  })
}

/** First what none of the others reads, each with what it reads below it. What was shown in full before is one line that ends with `…`. */
const renderTree: Render = (catalogue, tables) => {
  const edges = edgesOf(catalogue, tables)
  const shown = new Set<string>()
  const below = (key: string, indent: string): readonly string[] => {
    const inputs = edges.filter(({ to }) => to === key)
    return inputs.flatMap(({ from, derived, whole }, index) => {
      const [branch, next] = index === inputs.length - 1 ? ['└─ ', '   '] : ['├─ ', '│  ']
      const isFull = !derived || !shown.has(from)
      if (derived) shown.add(from)
      const about = `${derived ? '' : ' (source)'}${whole ? ' (read whole)' : ''}${isFull ? '' : ' …'}`
      return [`${indent}${branch}${from}${about}`, ...(derived && isFull ? below(from, indent + next) : [])]
    })
  }
  const isRead = ({ key }: TableDefinition) => edges.some(({ from, derived }) => derived && from === key)
  return tables.filter((table) => !isRead(table)).flatMap(({ key }) => [key, ...below(key, '')])
}

/** A flowchart, as GitHub draws it in Markdown. */
const renderMermaid: Render = (catalogue, tables) => {
  const { edges, nodes } = graphOf(catalogue, tables)
  return [
    'flowchart LR',
    ...nodes.map(([name, derived]) => `  ${id(name, derived)}${derived ? `["${name}"]` : `[("${name}")]`}`),
    ...edges.map(
      ({ from, to, derived, whole }) => `  ${id(from, derived)} ${whole ? '-.->' : '-->'} ${id(to, true)}`,
    ),
  ]
}

/** For Graphviz. */
const renderDot: Render = (catalogue, tables) => {
  const { edges, nodes } = graphOf(catalogue, tables)
  return [
    'digraph backfill {',
    '  rankdir=LR',
    ...nodes.map(
      ([name, derived]) => `  ${id(name, derived)} [label="${name}" shape=${derived ? 'box' : 'cylinder'}]`,
    ),
    ...edges.map(
      ({ from, to, derived, whole }) =>
        `  ${id(from, derived)} -> ${id(to, true)}${whole ? ' [style=dashed]' : ''}`,
    ),
    '}',
  ]
}

export const renderGraph: Readonly<Record<'tree' | 'mermaid' | 'dot', Render>> = {
  tree: renderTree,
  mermaid: renderMermaid,
  dot: renderDot,
}

/** The prefix keeps sources apart from tables, and names from the words of Mermaid and DOT. */
function id(name: string, derived: boolean): string {
  return `${derived ? 't' : 's'}_${name}`
}

/** Nodes: the names, and whether it is a derived table; with what the tables read though it was not chosen. */
function graphOf(catalogue: Folder, tables: readonly TableDefinition[]) {
  const edges = edgesOf(catalogue, tables)
  const of = (derived: boolean) => edges.flatMap((edge) => (edge.derived === derived ? [edge.from] : []))
  const keys = new Set([...of(true), ...tables.map(({ key }) => key)])
  const nodes = [
    ...[...new Set(of(false))].map((name) => [name, false] as const),
    ...[...keys].map((key) => [key, true] as const),
  ]
  return { edges, nodes }
}
