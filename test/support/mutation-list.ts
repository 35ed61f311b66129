// Owns the defects of tables that read blocks of the sources: an edit each, and the shipped tests that catch it.
import type { Mutation } from './mutations.ts'

const UPPER = ['upper-case-hex', 'upper-case-hash', 'same-transaction-in-upper-case']
const SLOTS = /^address_storage_slot/
const STATISTICS = /slots_stat/
const COUNTS = /^address_(diffs|reads)$/

export const TABLE_MUTATIONS: readonly Mutation[] = [
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
    find: /WHERE (?:tx|\(block, tx\)) IN \(SELECT (?:block, )?tx FROM succeeded\)/,
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
    find: /arrayUniq\(groupArray\(tx\)\)/,
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
    tables: COUNTS,
  },
  {
    what: '16 bits for an index',
    find: /toUInt32\(max\(tx\) % 1048576\)/,
    put: 'toUInt16(max(tx) % 1048576)',
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
    find: /min\((block|tx)\)/,
    put: 'max($1)',
    by: ['first-block', 'order-of-blocks'],
    tables: /^(?!.*last_access$)/, // there it is the half of the shared step that the other table takes
  },
  {
    what: 'the first block for the last',
    find: /max\((block|tx)\)(?! % )/,
    put: 'min($1)',
    by: ['last-block', 'order-of-blocks', 'latest-event'],
    tables: /^(?!.*first_access$)/,
  },
  {
    what: 'the last of the shared step for the first',
    find: /\bfirst_(tx|content)(?!.*GROUP BY)/s,
    put: 'last_$1',
    by: ['first-block', 'order-of-blocks', 'order-within-a-block', 'read-and-written-at-once'],
  },
  {
    what: 'the first of the shared step for the last',
    find: /\blast_(tx|content)(?!.*GROUP BY)/s,
    put: 'first_$1',
    by: ['last-block', 'order-of-blocks', 'order-within-a-block', 'read-and-written-at-once'],
  },
  { what: 'is_deleted is true', find: /false AS is_deleted/, put: 'true AS is_deleted', by: 'last-block' },
  {
    what: 'ordered by block alone',
    find: /\(content, position\)/,
    put: '(content, intDiv(tx, 1048576))',
    by: 'order-within-a-block',
    everywhere: true,
    tables: SLOTS,
  },
  {
    what: 'the transaction index left out of the order',
    find: /tx \* 2 \+ is_write/,
    put: 'intDiv(tx, 1048576) * 2 + is_write',
    by: ['order-within-a-block', 'written-then-read'],
    tables: SLOTS,
  },
  {
    what: 'the transaction index before the block',
    find: /tx \* 2 \+ is_write/,
    put: '(tx % 1048576 * 1048576 + intDiv(tx, 1048576)) * 2 + is_write',
    by: 'order-of-blocks',
    tables: SLOTS,
  },
  {
    what: 'too few bits for the transaction index',
    find: /1048576/,
    put: '8',
    everywhere: true,
    by: ['order-of-blocks', 'latest-event', 'distinct-transactions', 'large-numbers', 'failed-transactions'],
  },
  {
    what: 'ordered by index as text',
    find: /\(content, position\)/,
    put: '(content, (intDiv(tx, 1048576), toString(tx % 1048576), is_write))',
    by: 'order-within-a-block',
    everywhere: true,
    tables: SLOTS,
  },
  { what: 'writes before reads', find: /\+ is_write/, put: '+ 1 - is_write', by: 'read-and-written-at-once' },
  {
    what: 'reads and writes unordered',
    find: /\(content, position\)/,
    put: '(content, (position - is_write, content))',
    by: 'read-and-written-at-once',
    everywhere: true,
    tables: SLOTS,
  },
  {
    what: 'all reads before all writes',
    find: /\(content, position\)/,
    put: '(content, (is_write, position))',
    by: 'written-then-read',
    everywhere: true,
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
    find: /account, slot_key,(\s+min.*)GROUP BY account, slot_key/s,
    put: 'any(account) AS account, slot_key,$1GROUP BY slot_key',
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
    find: /(IN \(SELECT (?:block, )?tx FROM succeeded\))/,
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
]
