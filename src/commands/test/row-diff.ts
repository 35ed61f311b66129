// Owns the difference of two multisets of rows: the number of equal rows matters.

type Values = readonly unknown[]

/** Rows of `expected` that `actual` lacks, and rows of `actual` that `expected` lacks, each sorted by value. */
export function rowDiff(
  expected: readonly Values[],
  actual: readonly Values[],
): { readonly missing: readonly Values[]; readonly unexpected: readonly Values[]; readonly same: number } {
  const missing = without(expected, actual)
  return { missing, unexpected: without(actual, expected), same: expected.length - missing.length }
}

function without(rows: readonly Values[], taken: readonly Values[]): readonly Values[] {
  const left = new Map<string, number>()
  for (const row of taken) left.set(keyOf(row), (left.get(keyOf(row)) ?? 0) + 1)
  return rows
    .filter((row) => {
      const count = left.get(keyOf(row)) ?? 0
      left.set(keyOf(row), count - 1)
      return count <= 0
    })
    .toSorted((a, b) => (keyOf(a) < keyOf(b) ? -1 : 1))
}

function keyOf(row: Values): string {
  return JSON.stringify(row)
}
