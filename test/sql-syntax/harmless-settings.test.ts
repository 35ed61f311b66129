import { expect, test } from 'vitest'
import { isHarmless } from '../../src/sql-syntax/settings.ts'

test('limits, threads, logs, timeouts, caches, priority and workload are the operator’s', () => {
  const names =
    'max_memory_usage min_insert_block_size_rows background_threads log_comment send_timeout http_receive_timeout use_uncompressed_cache priority os_thread_priority workload insert_quorum'
  expect(names.split(' ').filter((name) => !isHarmless(name))).toEqual([])
})

test('what changes meaning, leaves rows out or answers from yesterday is not', () => {
  const names =
    'do_not_merge_across_partitions_select_final additional_table_filters additional_result_filter join_default_strictness count_distinct_implementation compatibility final max_parallel_replicas use_query_cache session_timezone output_format_decimal_trailing_zeros output_format_csv_crlf_end_of_line output_format_msgpack_uuid_representation input_format_parquet_local_time_as_utc a_setting_of_next_year'
  expect(names.split(' ').filter(isHarmless)).toEqual([])
})
