// Owns the settings that every statement pins (with other values ClickHouse may drop rows and report success), and those of a profile
// that may stay: they change how fast a statement runs, or end it with an error, and never the rows that it yields.

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
  // An answer that is kept may be older than the rows; and the first question would be refused.
  use_query_cache: 0,
  // In a profile they can hide themselves from system.settings.
  additional_table_filters: '{}' as never, // a map, which the client has a class for
  additional_result_filter: '',
  skip_unavailable_shards: 0,
  // Rows that came without a quorum after others with one would be hidden.
  select_sequential_consistency: '0',
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

/** Not pinned, because a transform's header may set them; sent so that a profile cannot change what our own queries mean. */
export const OWN_SETTINGS = {
  join_use_nulls: 0,
  transform_null_in: 0,
  // Every INSERT has it: a user who may not set it is told so before a run.
  optimize_on_insert: 0,
  // A profile that keeps people from printing a table would end our questions with an error.
  max_result_rows: '0',
  max_result_bytes: '0',
} as const

/** A replica that lacks rows which are older than this gives no answer: it was made anew, or restored, or fetches none. */
export const BEHIND_SECONDS = 30

/** Where no replica of a shard has all rows, the statement fails, and is sent again. */
export const FROM_WHOLE_REPLICAS = {
  max_replica_delay_for_distributed_queries: String(BEHIND_SECONDS),
  fallback_to_stale_replicas_for_distributed_queries: 0,
} as const

/** Settings for writing: irrelevant for a user that only reads. */
export const WRITING_SETTINGS: readonly string[] = [
  'insert_null_as_default',
  'async_insert',
  'insert_deduplicate',
  'distributed_foreground_insert',
  'parallel_distributed_insert_select',
  'optimize_on_insert',
] satisfies readonly (keyof (typeof PINNED_SETTINGS & typeof OWN_SETTINGS))[]

/** Settings that the header of a transform and its SETTINGS clauses may not change. A server may refuse an INSERT with `readonly`, whatever its value. */
export const PINNED_SETTING_NAMES: readonly string[] = [
  ...Object.keys(PINNED_SETTINGS),
  'max_execution_time',
  'readonly',
  // Sets all that the profile has, limit and offset among them, over what is sent.
  'profile',
  // An older name of distributed_foreground_insert.
  'insert_distributed_sync',
]

/** Harmless in a profile: no row is missing silently; at worst a statement fails, by its time limit or a forbidden join. */
export function failsAloud(name: string, value: string): boolean {
  return (
    /^max_(execution_time|result_(rows|bytes))$/.test(name) ||
    (name === 'distributed_product_mode' && value === 'deny')
  )
}

/** Harmless but for a cluster whose replicas lack rows: a user that may set nothing reads there as the server does. */
export function isOfReplicas(name: string): boolean {
  return Object.hasOwn(FROM_WHOLE_REPLICAS, name)
}

/** Limits with an overflow mode are here too: the modes are pinned to `throw`. */
const HARMLESS: readonly RegExp[] = [
  /^(max|min)_/,
  /threads?(_|$)/,
  /^log_|^send_(logs|profile)_|_log_interval$/,
  /timeout|_(backoff|wait|delay|interval)(_|$)|_(retries|tries)$|^keeper_|^insert_keeper_/,
  /cache/,
  /^(os_thread_|read_)?priority$|^workload$/,
  /^(low_priority_query_wait|interactive_delay|idle_connection|poll_interval|connections?_|tcp_keep_alive|http_(max|send|receive|retry|skip|headers)_)/,
  /^(memory_|query_profiler_|opentelemetry_|trace_|metrics_perf_|compile_|network_|temporary_files_|jemalloc_|fsync_)/,
  /^(merge_tree_(min|max)_|read_backoff_|read_in_order_|group_by_two_level_|preferred_.*bytes$|prefer_external_sort_|reserve_memory$)/,
  /_(read_method|read_prefetch|prefetch|buffer_size|pool_size|bandwidth)$/,
  /^(join_algorithm|grace_hash_join_|partial_merge_join_left_|parallel_hash_join_|load_balancing|prefer_localhost_replica|use_hedged_requests|use_concurrency_control)/,
  // Durability and waiting for other replicas: a higher value is the operator's choice.
  /^(insert_quorum|alter_sync|mutations_sync|lightweight_deletes_sync|distributed_ddl_|replication_)/,
  /^(database_|cloud_mode|add_http_cors_header|parts_to_|number_of_mutations_to_|quota)/,
  // Formats that are never read here (`import` reads Parquet), or that formatRow() does not write: no text of a row follows from them.
  /^input_format_(arrow|avro|bson|capn|csv|msgpack|orc|protobuf)_/,
  /^output_format_(arrow|orc|parquet|pretty)_/,
  // What a user may use; a statement that needs more fails.
  /^(readonly|profile|allow_(ddl|introspection_functions)|allow_suspicious_.*|implicit_select|checksum_on_read|calculate_text_stack_trace)$/,
]

const NOT_HARMLESS: readonly RegExp[] = [
  // An answer may be older than the rows.
  /^use_query_cache$|^query_cache_|^enable_reads_from_query_cache$/,
  // With these, rows of shards or replicas are left out or counted twice.
  /^max_parallel_replicas$|^max_skip_unavailable_/,
  // Values are cut off without an error.
  /^max_(wkb|autoincrement|limit_for|dynamic_subcolumns)/,
]

/** Harmless in a profile, but a statement would fail with them, or become another user's choice: never typed for a run. */
const NOT_TYPED =
  /^(readonly|profile|max_execution_time|allow_|database_|insert_quorum|alter_sync|mutations_sync|lightweight_deletes_sync|distributed_ddl_|send_progress|http_)/

/** Whether a person may set it for the statements of a run. */
export function mayBeTyped(name: string): boolean {
  return isHarmless(name) && !NOT_TYPED.test(name)
}

export function isHarmless(name: string): boolean {
  return HARMLESS.some((known) => known.test(name)) && !NOT_HARMLESS.some((known) => known.test(name))
}
