// Owns the settings that every statement carries, because a profile's other value makes ClickHouse drop rows
// and answer with success.

const THROW = 'throw'

/** Name and value of each pinned setting. Every one but `max_execution_time`, which the runner chooses. */
export const PINNED_SETTINGS = {
  timeout_overflow_mode: THROW,
  timeout_overflow_mode_leaf: THROW,
  read_overflow_mode: THROW,
  read_overflow_mode_leaf: THROW,
  result_overflow_mode: THROW,
  group_by_overflow_mode: THROW,
  join_overflow_mode: THROW,
  distinct_overflow_mode: THROW,
  set_overflow_mode: THROW,
  sort_overflow_mode: THROW,
  transfer_overflow_mode: THROW,
  limit: '0',
  offset: '0',
  skip_unavailable_shards: 0,
  insert_null_as_default: 0,
  async_insert: 0,
  // Rows that were deleted and come again would be left out, as far as a server remembers their blocks.
  insert_deduplicate: 0,
  distributed_foreground_insert: 1,
  parallel_distributed_insert_select: '0',
  // Other values change a transform's types or meaning (measured on the shipped ones).
  aggregate_functions_null_for_empty: 0,
  enable_global_with_statement: 1,
  output_format_json_quote_64bit_integers: 0,
} as const

/** Those that say how rows are written: no matter for a user who only reads. */
export const WRITING_SETTINGS: readonly string[] = [
  'insert_null_as_default',
  'async_insert',
  'insert_deduplicate',
  'distributed_foreground_insert',
  'parallel_distributed_insert_select',
] satisfies readonly (keyof typeof PINNED_SETTINGS)[]

/** What the header of a transform and its SETTINGS clauses may not touch. */
export const PINNED_SETTING_NAMES: readonly string[] = [...Object.keys(PINNED_SETTINGS), 'max_execution_time']

/** With these values of a profile no row is missing without a word: a statement takes too long, or joins what it may not. */
export function failsAloud(name: string, value: string): boolean {
  return name === 'max_execution_time' || (name === 'distributed_product_mode' && value === 'deny')
}
