// Owns sentences about tables: each once for all tables that share it, because a gap in the chain is a gap in every table. Pure.

type AboutTable = { readonly table: string; readonly texts: readonly string[] }

/** `a, b: sentence`, in the order of the sentences. A table may come again, with other sentences. */
export function tablesText(found: readonly AboutTable[]): readonly string[] {
  const all = [...new Set(found.map(({ table }) => table))]
  const said = found.flatMap(({ table, texts }) => texts.map((text) => ({ table, text })))
  return [...Map.groupBy(said, ({ text }) => text)].map(([text, of]) => {
    const names = [...new Set(of.map(({ table }) => table))]
    return `${tableNames(names, all)}: ${text}`
  })
}

/** Up to three names, else what is shorter: the names, or those that are missing from all. */
export function tableNames(names: readonly string[], all: readonly string[]): string {
  if (names.length <= 3 && names.length < all.length) return names.join(', ')
  const others = all.filter((table) => !names.includes(table))
  if (others.length === 0) return all.length === 1 ? names.join() : 'all tables'
  return others.length <= 2
    ? `all tables but ${others.join(' and ')}`
    : `${names.length} tables (${names.join(', ')})`
}
