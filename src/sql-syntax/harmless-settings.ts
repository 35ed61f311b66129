// Owns which settings of a profile may stay: those that change how fast a statement runs, or end it with an error, and never
// the rows that it yields. Every other setting that a profile changes is sent back to its default. Pure.

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
  /^(insert_quorum|select_sequential_consistency|alter_sync|mutations_sync|lightweight_deletes_sync|distributed_ddl_|replication_)/,
  /^(database_|cloud_mode|add_http_cors_header|parts_to_|number_of_mutations_to_|quota)/,
  // Formats that are never read here; `import` reads Parquet.
  /^input_format_(arrow|avro|bson|capn|csv|msgpack|orc|protobuf)_/,
  /^output_format_(arrow|avro|bson|capn|csv|msgpack|orc|parquet|pretty|protobuf|xml)_/,
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
