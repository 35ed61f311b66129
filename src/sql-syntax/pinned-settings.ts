// Owns the settings that every statement pins: with other values ClickHouse may drop rows and report success.

const THROW = 'throw'

/** Name and value of each pinned setting, except `max_execution_time`, which the runner chooses. */
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
  // Statements are ClickHouse's own SQL, and none waits for another to be committed.
  dialect: 'clickhouse',
  implicit_transaction: 0,
  // In a profile they can hide themselves from system.settings.
  additional_table_filters: '{}' as never, // a map, which the client has a class for
  additional_result_filter: '',
  skip_unavailable_shards: 0,
  insert_null_as_default: 0,
  async_insert: 0,
  // With deduplication, rows that were deleted and inserted again would be dropped if the server remembers their blocks.
  insert_deduplicate: 0,
  distributed_foreground_insert: 1,
  parallel_distributed_insert_select: '0',
  // Other values change a transform's types or meaning (measured on the shipped transforms).
  aggregate_functions_null_for_empty: 0,
  enable_global_with_statement: 1,
  output_format_json_quote_64bit_integers: 0,
} as const

/** Settings for writing: irrelevant for a user that only reads. */
export const WRITING_SETTINGS: readonly string[] = [
  'insert_null_as_default',
  'async_insert',
  'insert_deduplicate',
  'distributed_foreground_insert',
  'parallel_distributed_insert_select',
] satisfies readonly (keyof typeof PINNED_SETTINGS)[]

/** Settings that the header of a transform and its SETTINGS clauses may not change. */
export const PINNED_SETTING_NAMES: readonly string[] = [...Object.keys(PINNED_SETTINGS), 'max_execution_time']

/** Harmless in a profile: no row is missing silently; at worst a statement fails, by its time limit or a forbidden join. */
export function failsAloud(name: string, value: string): boolean {
  return name === 'max_execution_time' || (name === 'distributed_product_mode' && value === 'deny')
}
