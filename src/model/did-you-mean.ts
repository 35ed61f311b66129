// Owns the suggestion of a known name for a mistyped one.

export function nearest(name: string, known: readonly string[]): string | undefined {
  let best: string | undefined
  let least = Math.max(1, Math.floor(name.length / 3)) + 1
  for (const candidate of known) {
    const distance = editDistance(name, candidate)
    if (distance < least) [best, least] = [candidate, distance]
  }
  return best
}

/** A hint for an unknown name: `did you mean 'address_diffs'? Known tables: …`. */
export function knownNames(what: string, name: string, known: readonly string[]): string {
  const meant = nearest(name, known)
  const list = known.length === 0 ? `there are no known ${what}` : `known ${what}: ${known.join(', ')}`
  return meant === undefined ? list : `did you mean '${meant}'? ${list}`
}

function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, column) => column)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) {
      const replaced = row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1)
      next.push(Math.min(replaced, row[j]! + 1, next[j - 1]! + 1))
    }
    row = next
  }
  return row[b.length]!
}
