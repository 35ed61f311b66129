--! description: Calls, creations, self-destructs and rewards, out of a Parquet file

SELECT
    toDateTime(updated_date_time) AS updated_date_time,
    toUInt64(block_number) AS block_number,
    toUInt64(transaction_index) AS transaction_index,
    toFixedString(transaction_hash, 66) AS transaction_hash,
    -- Files of older exports do not number the rows of a transaction: what they are about does.
    accurateCast(if({has_internal_index:Bool}, internal_index,
        dense_rank() OVER (PARTITION BY block_number, transaction_hash
            ORDER BY trace_address, action_type, action_reward_type, action_from, action_to, action_value)), 'UInt32') AS internal_index,
    toString(action_from) AS action_from,
    CAST(action_to AS Nullable(String)) AS action_to,
    toUInt256(action_value) AS action_value,
    toUInt64(action_gas) AS action_gas,
    CAST(action_input AS Nullable(String)) AS action_input,
    toLowCardinality(action_call_type) AS action_call_type,
    CAST(action_init AS Nullable(String)) AS action_init,
    toString(action_reward_type) AS action_reward_type,
    toLowCardinality(action_type) AS action_type,
    toUInt64(result_gas_used) AS result_gas_used,
    CAST(result_output AS Nullable(String)) AS result_output,
    CAST(result_code AS Nullable(String)) AS result_code,
    CAST(result_address AS Nullable(String)) AS result_address,
    CAST(trace_address AS Nullable(String)) AS trace_address,
    accurateCast(subtraces, 'UInt32') AS subtraces,
    CAST(error AS Nullable(String)) AS error,
    toLowCardinality(meta_network_name) AS meta_network_name
-- The columns of the file, and as what they are read, however the file has them.
FROM input('
    updated_date_time DateTime, block_number UInt64, transaction_index UInt64, transaction_hash String,
    internal_index UInt64, action_from String, action_to Nullable(String), action_value UInt256,
    action_gas UInt64, action_input Nullable(String), action_call_type String,
    action_init Nullable(String), action_reward_type String, action_type String, result_gas_used UInt64,
    result_output Nullable(String), result_code Nullable(String), result_address Nullable(String),
    trace_address Nullable(String), subtraces UInt64, error Nullable(String), meta_network_name String')
WHERE meta_network_name = {network:String}
  AND block_number BETWEEN {from_block:UInt64} AND {to_block:UInt64}
