// Owns what of two answers to the same statement is compared: the simulated server's and ClickHouse's.

/** What the simulation makes up, and the program hands on or never looks at. */
const MADE_UP = new Set([
  'last_run',
  'engine_full',
  'bytes',
  'definition',
  'sum',
  'columns',
  'hash',
  'newest',
  'silent',
  'found',
  'comment',
  'rowsRead',
  'bytesRead',
  'peakMemory',
  'elapsedMs',
  'from_uuid',
  'user',
  'rows_written',
  'oldest_parts',
  'at',
])
/** Questions about the machine. */
export const NOT_COMPARED = new Set([
  'who are you',
  'capacity',
  'memory',
  'load',
  'room on the disks',
  'costs',
  'databases',
  'may we',
  'parts of the sources',
  'parts of tables',
  'columns of a transform',
  'deterministic functions',
  'what was found',
])

/** Of tables: rows that a DELETE took count until they are merged away. */
const COUNTED = new Set(['tables', 'identities of tables', 'tables of a rebuild'])

/** Of times. */
const TIMED = new Set(['when ranges were built'])

export const plain = (value: unknown, left = MADE_UP): string =>
  JSON.stringify(value, (key, part: unknown) => (left.has(key) ? undefined : part))
export const sorted = (name: string, rows: readonly unknown[]): string => {
  const left = new Set([
    ...MADE_UP,
    ...(COUNTED.has(name) ? ['rows'] : []),
    ...(TIMED.has(name) ? ['from', 'to'] : []),
  ])
  return rows
    .map((row) => plain(sortedKeys(row), left))
    .toSorted()
    .join('\n')
}
const sortedKeys = (row: unknown): unknown =>
  Array.isArray(row)
    ? row
    : Object.fromEntries(Object.entries(row as object).toSorted(([one], [other]) => (one < other ? -1 : 1)))
