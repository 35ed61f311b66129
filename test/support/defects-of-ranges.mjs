// Owns the defects of what a range knows about itself (defects.mjs says what the keys are). `kind`: the row of
// docs/kinds.md, table "Ranges", whose line it breaks.
export const DEFECTS_OF_RANGES = [
  // What a range was computed from.
  {
    what: 'a range of another SQL is not stale',
    find: 'sql: hash === present.sqlHash ? [] : blocks,',
    put: 'sql: [],',
    test: 'test/ledger/staleness.test.ts',
  },
  {
    what: 'a fork that moved makes one block too many stale',
    find: '[{ from: low, to: high - 1 }]',
    put: '[{ from: low, to: high }]',
    test: 'test/ledger/staleness.test.ts',
  },
  {
    what: 'an event of an input with one row per key counts for its own blocks only',
    find: 'return perKey && blocks[0] !== undefined',
    put: 'return false && blocks[0] !== undefined',
    test: 'test/ledger/staleness.test.ts',
  },
  {
    what: 'an input that lacks blocks which it should hold makes nothing stale',
    find: ', subtract(input.expected, input.readable)))',
    put: ', []))',
    test: 'test/ledger/staleness.test.ts',
  },
  {
    what: 'rows that stand outside of the limits of an input are not read',
    kind: 'ranges/05',
    find: 'blocks: union(covered, expected === undefined ? [] : [expected]),',
    put: 'blocks: expected === undefined ? [] : [expected],',
    test: 'test/planning/stale-ranges.server.test.ts',
    name: 'outside of an input',
  },
  {
    what: 'rows are written into a table that was emptied',
    kind: 'ranges/06',
    find: "(state === 'emptied' && missing.length > 0)",
    put: 'false',
    test: 'test/runner/replaced-tables.server.test.ts',
    name: 'nothing is written into a table that was emptied',
  },
  {
    what: 'a table with a TTL has a digest',
    find: ' || target.fades === true',
    put: '',
    test: 'test/commands/verify/verify.server.test.ts',
    name: 'a table with a TTL has no digest',
  },
  {
    what: 'rows that are as many and others are taken for the same',
    find: 'one.sum === other.sum',
    put: 'one.columns === other.columns',
    test: 'test/ledger/staleness.test.ts',
  },
  {
    what: 'a checkpoint moves ranges on though their input has changed',
    find: 'read.filter((hull) => touched(hull.key, hull).length > 0)',
    put: 'read.filter(() => false)',
    test: 'test/ledger/staleness.test.ts',
  },
  {
    what: 'a checkpoint leaves the versions of inputs as they are',
    find: 'const inputs = newest === undefined || newest.size === 0 ? sql`range.6`',
    put: 'const inputs = newest !== null ? sql`range.6`',
    test: 'test/planning/stale-ranges.server.test.ts',
    name: 'are one island',
  },
  {
    what: 'a fork that is added to a block counts as compared with it',
    find: 'const LEFT = new RegExp(`${START}${COLUMN}',
    put: 'const LEFT = new RegExp(`${COLUMN}',
    test: 'test/sql-syntax/fork-uses.test.ts',
  },
  {
    what: 'a table that is read as a whole counts as read by range',
    find: 'count(text, TABLE) <= count(text, BOUND)',
    put: 'count(text, BOUND) > 0',
    test: 'test/sql-syntax/fork-uses.test.ts',
  },
  {
    what: 'an input that was emptied under a run is not noticed',
    find: 'if (tables.get(name)?.rows === 0 && ',
    put: 'if (false && ',
    test: 'test/runner/replaced-tables.server.test.ts',
    name: 'emptied while a chunk',
  },
  // What a run found in the sources, and what has changed since.
  {
    what: 'a data part of a source that came or went changes nothing of what is kept',
    find: 'return blockSet(changed.map(({ from, to }) =>',
    put: 'return blockSet([].map(({ from, to }) =>',
    test: 'test/planning/kept-probe.server.test.ts',
    name: 'arrive late',
  },
  {
    what: 'a source that got its first row, or lost its last one, changes only the blocks around it',
    find: 'if (changed.length > 0 && !sources.every(isSeen)) return',
    put: 'if (false) return',
    test: 'test/planning/kept-probe.test.ts',
  },
  {
    what: 'a chunk is done though its sources lost rows while it was computed',
    kind: 'ranges/08',
    find: 'if (!isSuspicious) return',
    put: 'return',
    test: 'test/runner/replaced-tables.server.test.ts',
    name: 'emptied or exchanged while a chunk',
  },
]
