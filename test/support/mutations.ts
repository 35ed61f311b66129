// Owns defects that a transform must not have, each as an edit of its text, and the shipped tests that catch it.
import type { TableDefinition } from '../../src/runner/model.ts'

export type Mutant = {
  /** `address_diffs: FINAL left out (2)`: the number counts the places where the edit fits. */
  readonly name: string
  readonly table: TableDefinition
  /** File names, without ending, of the tests of which one must fail. */
  readonly caughtBy: readonly string[]
}

type Mutation = {
  readonly what: string
  /** One mutant for each place where it fits, or a single one if it is `everywhere`. */
  readonly find: RegExp
  readonly put: string
  readonly by: string | readonly string[]
  readonly everywhere?: true
  /** Only in these tables; all in which `find` fits where it is not given. */
  readonly tables?: RegExp
}

/** Every mutant of a table's transform. */
export function mutantsOf(table: TableDefinition): readonly Mutant[] {
  return MUTATIONS.filter(({ tables }) => tables?.test(table.key) ?? true).flatMap((mutation) => {
    const { what, find, put, by, everywhere } = mutation
    const { text } = table.transform
    const places = [...text.matchAll(new RegExp(find, `${find.flags}g`))].map(({ index }) => index)
    const edit = (at: number) => text.slice(0, at) + text.slice(at).replace(find, put)
    const texts =
      everywhere && places.length > 0
        ? [text.replaceAll(new RegExp(find, `${find.flags}g`), put)]
        : places.map(edit)
    return texts.map((mutated, index) => ({
      name: `${table.key}: ${what}${texts.length > 1 ? ` (${index + 1})` : ''}`,
      table: { ...table, transform: { ...table.transform, text: mutated } },
      caughtBy: [by].flat(),
    }))
  })
}

/** The mutations that fit no transform at all: they prove nothing. */
export function idleMutations(tables: readonly TableDefinition[]): readonly string[] {
  const names = tables.flatMap((table) =>
    mutantsOf(table).map(({ name }) => name.replace(/^\w+: | \(\d+\)$/g, '')),
  )
  return MUTATIONS.map(({ what }) => what).filter((what) => !names.includes(what))
}

const UPPER = ['upper-case-hex', 'upper-case-hash', 'same-transaction-in-upper-case']
const SLOTS = /^address_storage_slot/
const STATISTICS = /slots_stat/
const COUNTS = /^address_(diffs|reads)$/

const MUTATIONS: readonly Mutation[] = [
  // Everywhere.
  {
    what: 'no network filter',
    find: /meta_network_name = \{network:String\}\s+AND /,
    put: '',
    by: 'other-networks',
  },
  { what: 'no FINAL', find: / FINAL\b/, put: '', by: 'outdated-rows' },
  { what: 'failed transactions count', find: /\s+AND success\b/, put: '', by: 'failed-transactions' },
  {
    what: 'transactions are not asked for',
    find: /WHERE \(block, tx\) IN \(SELECT block, tx FROM succeeded\)/,
    put: '',
    by: 'failed-transactions',
  },
  { what: 'upper case stays', find: /\blower\(/, put: 'identity(', by: UPPER },
  {
    what: 'begins too early',
    find: /BETWEEN \{from_block:UInt64\}/,
    put: 'BETWEEN {from_block:UInt64} - 1',
    by: 'range',
    everywhere: true,
  },
  {
    what: 'begins too late',
    find: /BETWEEN \{from_block:UInt64\}/,
    put: 'BETWEEN {from_block:UInt64} + 1',
    by: 'range',
  },
  {
    what: 'ends too late',
    find: /AND \{to_block:UInt64\}/,
    put: 'AND {to_block:UInt64} + 1',
    by: 'range',
    everywhere: true,
  },
  { what: 'ends too early', find: /AND \{to_block:UInt64\}/, put: 'AND {to_block:UInt64} - 1', by: 'range' },
  // Which rows of which source.
  {
    what: 'a source is left out',
    find: /WHERE (?=meta_network_name)/,
    put: 'WHERE false AND ',
    by: 'every-source',
    tables: /^address_(diffs|reads|first_access|last_access)$/,
  },
  {
    what: 'creations of any hash',
    find: /USING \(block, hash\)/,
    put: 'USING (block)',
    by: ['creations', 'failed-transactions'],
  },
  // Counts.
  {
    what: 'rows are counted, not transactions',
    find: /uniqExact\(tx\)/,
    put: 'count()',
    by: 'distinct-transactions',
  },
  {
    what: 'counts per address, not per block',
    find: /toUInt32\(block\)(.*)GROUP BY account, block/s,
    put: 'toUInt32(min(block))$1GROUP BY account',
    by: 'distinct-transactions',
    tables: COUNTS,
  },
  {
    what: 'the first transaction for the last',
    find: /max\(tx\)/,
    put: 'min(tx)',
    by: 'distinct-transactions',
  },
  {
    what: 'any transaction for the last',
    find: /max\(tx\)/,
    put: 'anyLast(tx)',
    by: 'distinct-transactions',
  },
  {
    what: '16 bits for an index',
    find: /toUInt32\(max\(tx\)\)/,
    put: 'toUInt16(max(tx))',
    by: 'large-numbers',
  },
  {
    what: '16 bits for a block',
    find: /toUInt32\(block\)/,
    put: 'toUInt16(block)',
    by: 'large-numbers',
    tables: COUNTS,
  },
  // First and last access.
  {
    what: 'the last block for the first',
    find: /min\(block\)/,
    put: 'max(block)',
    by: ['first-block', 'order-of-blocks'],
  },
  {
    what: 'the first block for the last',
    find: /max\(block\)/,
    put: 'min(block)',
    by: ['last-block', 'order-of-blocks', 'latest-event'],
  },
  {
    what: 'any block for the first',
    find: /min\(block\)/,
    put: 'any(block)',
    by: 'first-block',
    tables: /^address_first_access$/,
  },
  { what: 'is_deleted is true', find: /false AS is_deleted/, put: 'true AS is_deleted', by: 'last-block' },
  {
    what: 'ordered by block alone',
    find: /\(content, position\)/,
    put: '(content, block)',
    by: 'order-within-a-block',
    tables: SLOTS,
  },
  {
    what: 'the transaction index left out of the order',
    find: /\(block \* 1048576 \+ tx\)/,
    put: '(block * 1048576)',
    by: ['order-within-a-block', 'written-then-read'],
    tables: SLOTS,
  },
  {
    what: 'the transaction index before the block',
    find: /\(block \* 1048576 \+ tx\)/,
    put: '(tx * 1048576 + block)',
    by: 'order-of-blocks',
    tables: SLOTS,
  },
  {
    what: 'too few bits for the transaction index',
    find: /1048576/,
    put: '8',
    by: ['order-of-blocks', 'latest-event'],
  },
  {
    what: 'ordered by index as text',
    find: /\(content, position\)/,
    put: '(content, (block, toString(tx), is_write))',
    by: 'order-within-a-block',
    tables: SLOTS,
  },
  { what: 'writes before reads', find: /\+ is_write/, put: '+ 1 - is_write', by: 'read-and-written-at-once' },
  {
    what: 'reads and writes unordered',
    find: /\(content, position\)/,
    put: '(content, (position - is_write, content))',
    by: 'read-and-written-at-once',
    tables: SLOTS,
  },
  {
    what: 'all reads before all writes',
    find: /\(content, position\)/,
    put: '(content, (is_write, position))',
    by: 'written-then-read',
    tables: SLOTS,
  },
  {
    what: 'the value that was overwritten',
    find: /to_value AS content/,
    put: 'from_value AS content',
    by: 'order-within-a-block',
  },
  {
    what: 'slots of all addresses together',
    find: /account AS address(.*)GROUP BY account, slot_key/s,
    put: 'any(account) AS address$1GROUP BY slot_key',
    by: 'order-of-blocks',
    tables: SLOTS,
  },
  // Statistics of slots.
  {
    what: 'zero to zero clears',
    find: /from_value != zero AND to_value = zero/,
    put: 'to_value = zero',
    by: 'set-and-cleared',
  },
  {
    what: 'every change from non-zero clears',
    find: /from_value != zero AND to_value = zero/,
    put: 'from_value != zero',
    by: 'set-and-cleared',
  },
  {
    what: 'zero to zero sets',
    find: /from_value = zero AND to_value != zero/,
    put: 'from_value = zero',
    by: 'set-and-cleared',
  },
  {
    what: 'every change to non-zero sets',
    find: /from_value = zero AND to_value != zero/,
    put: 'to_value != zero',
    by: 'set-and-cleared',
  },
  {
    what: 'set and cleared exchanged',
    find: /countIf\(is_cleared\)(.*)countIf\(is_set\)/s,
    put: 'countIf(is_set)$1countIf(is_cleared)',
    by: 'set-and-cleared',
  },
  {
    what: 'no row without a set or cleared slot',
    find: /(IN \(SELECT block, tx FROM succeeded\))/,
    put: '$1 AND (is_set OR is_cleared)',
    by: 'neither-set-nor-cleared',
    tables: STATISTICS,
  },
  {
    what: 'any set slot counts once',
    find: /countIf\(is_set\)/,
    put: 'max(is_set)',
    by: ['set-and-cleared', 'same-slot-in-two-transactions'],
  },
  // Self-destructs.
  {
    what: 'reverted calls are not looked at',
    find: /NOT arrayExists\(failed_path -> startsWith\(destruct.1, failed_path\), failed_paths\)/,
    put: 'true',
    by: 'reverted-sub-call',
  },
  {
    what: 'only its own error counts',
    find: /startsWith\(destruct.1, failed_path\)/,
    put: 'destruct.1 = failed_path',
    by: 'reverted-sub-call',
  },
  {
    what: 'only calls around it count',
    find: /startsWith\(destruct.1, failed_path\)/,
    put: '(startsWith(destruct.1, failed_path) AND destruct.1 != failed_path)',
    by: 'reverted-sub-call',
  },
  {
    what: 'call 10 lies within call 1',
    find: /concat\(nullIf\(trace_address, ''\), '_'\)/,
    put: 'trace_address',
    by: 'reverted-sub-call',
  },
  {
    what: 'the root has a path where it is empty text',
    find: /nullIf\(trace_address, ''\)/,
    put: 'trace_address',
    by: 'reverted-sub-call',
  },
  {
    what: 'the root has no path',
    find: /ifNull\(concat\(nullIf\(trace_address, ''\), '_'\), ''\)/,
    put: "ifNull(concat(nullIf(trace_address, ''), '_'), 'root')",
    by: 'reverted-sub-call',
  },
  {
    what: 'empty text is an error',
    find: /ifNull\(error, ''\) != ''/,
    put: 'isNotNull(error)',
    by: 'reverted-sub-call',
    everywhere: true,
  },
  {
    what: 'failures of the whole block',
    find: /groupArrayIf\(path, is_failed\) AS failed_paths/,
    put: 'arrayFlatten(groupArray(groupArrayIf(path, is_failed)) OVER (PARTITION BY block)) AS failed_paths',
    by: 'self-destruct-at-the-root',
  },
  {
    what: 'every action is a self-destruct',
    find: /action_type = 'suicide'/,
    put: 'true',
    by: 'other-actions',
    everywhere: true,
  },
  { what: 'a row for each trace', find: /SELECT DISTINCT/, put: 'SELECT', by: 'other-actions' },
  { what: 'no border at Dencun', find: /AND block_number (<|>=) \{dencun:UInt64\}/, put: '', by: 'dencun' },
  {
    what: 'Dencun begins a block later',
    find: /(<|>=) \{dencun:UInt64\}/,
    put: '$1 {dencun:UInt64} + 1',
    by: 'dencun',
  },
  {
    what: 'Dencun begins a block earlier',
    find: /(<|>=) \{dencun:UInt64\}/,
    put: '$1 {dencun:UInt64} - 1',
    by: 'dencun',
  },
  {
    what: 'no border at Spurious Dragon',
    find: / AND block < \{spurious_dragon:UInt64\}/,
    put: '',
    by: 'heirs',
  },
  {
    what: 'Spurious Dragon begins a block later',
    find: /block < \{spurious_dragon:UInt64\}/,
    put: 'block <= {spurious_dragon:UInt64}',
    by: 'heirs',
  },
  { what: 'heirs of accounts with balance', find: /is_empty AND /, put: '', by: 'heirs' },
  { what: 'heirs that are null', find: / AND heir != ''/, put: '', by: 'heirs' },
  {
    what: 'balances of 64 bits',
    find: /action_value = 0 AS/,
    put: 'toUInt64(action_value) = 0 AS',
    by: 'heirs',
  },
  { what: 'the heir for the account', find: /\[account, heir\]/, put: '[heir]', by: 'heirs' },
  {
    what: 'every account is of the same transaction',
    find: /\(block, hash, account\) IN created/,
    put: 'true',
    by: 'same-transaction',
  },
  {
    what: 'created in the same block is enough',
    find: /\(block, hash, account\) IN created/,
    put: '(block, account) IN (SELECT block, account FROM created)',
    by: 'same-transaction',
  },
  {
    what: 'created at any time is enough',
    find: /\(block, hash, account\) IN created/,
    put: 'account IN (SELECT account FROM created)',
    by: 'same-transaction',
  },
  {
    what: 'any creation of the transaction is enough',
    find: /\(block, hash, account\) IN created/,
    put: '(block, hash) IN (SELECT block, hash FROM created)',
    by: 'same-transaction',
  },
  // Accounts alive.
  { what: 'ties are alive', find: /\* 2 \+ is_dead/, put: '* 2 - is_dead', by: 'ties' },
  {
    what: 'every self-destruct since Dencun kills',
    find: /is_same_tx AS is_dead/,
    put: 'true AS is_dead',
    by: ['ties', 'after-dencun'],
  },
  {
    what: 'no self-destruct since Dencun kills',
    find: /is_same_tx AS is_dead/,
    put: 'false AS is_dead',
    by: ['ties', 'after-dencun'],
  },
  {
    what: 'dead for ever',
    find: /NOT argMax\(is_dead, position\)/,
    put: 'NOT max(is_dead)',
    by: 'latest-event',
  },
  {
    what: 'the order of blocks alone',
    find: /argMax\(is_dead, position\)/,
    put: 'argMax(is_dead, block)',
    by: 'latest-event',
  },
  {
    what: 'only accounts with a change',
    find: /FROM ordered\n/,
    put: 'FROM ordered\nWHERE account IN (SELECT account FROM events WHERE NOT is_dead)\n',
    by: 'latest-event',
    tables: /^accounts_alive$/,
  },
  {
    what: 'nothing after the last self-destruct',
    find: /FROM ordered\n/,
    put: 'FROM ordered\nWHERE block <= (SELECT max(block) FROM events WHERE is_dead)\n',
    by: 'after-dencun',
    tables: /^accounts_alive$/,
  },
]
