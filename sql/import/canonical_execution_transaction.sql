--! description: Transactions, out of a Parquet file

SELECT
    toDateTime(updated_date_time) AS updated_date_time,
    toUInt64(block_number) AS block_number,
    toUInt64(transaction_index) AS transaction_index,
    toFixedString(transaction_hash, 66) AS transaction_hash,
    toUInt64(nonce) AS nonce,
    toString(from_address) AS from_address,
    CAST(to_address AS Nullable(String)) AS to_address,
    toUInt256(value) AS value,
    CAST(input AS Nullable(String)) AS input,
    toUInt64(gas_limit) AS gas_limit,
    toUInt64(gas_used) AS gas_used,
    toUInt128(gas_price) AS gas_price,
    accurateCast(transaction_type, 'UInt8') AS transaction_type,
    toUInt64(max_priority_fee_per_gas) AS max_priority_fee_per_gas,
    toUInt64(max_fee_per_gas) AS max_fee_per_gas,
    CAST(success AS Bool) AS success,
    accurateCast(n_input_bytes, 'UInt32') AS n_input_bytes,
    accurateCast(n_input_zero_bytes, 'UInt32') AS n_input_zero_bytes,
    accurateCast(n_input_nonzero_bytes, 'UInt32') AS n_input_nonzero_bytes,
    toLowCardinality(meta_network_name) AS meta_network_name
-- The columns of the file, and as what they are read, however the file has them.
FROM input('
    updated_date_time DateTime, block_number UInt64, transaction_index UInt64, transaction_hash String,
    nonce UInt64, from_address String, to_address Nullable(String), value UInt256,
    input Nullable(String), gas_limit UInt64, gas_used UInt64, gas_price UInt128,
    transaction_type UInt64, max_priority_fee_per_gas UInt64, max_fee_per_gas UInt64, success Bool,
    n_input_bytes UInt64, n_input_zero_bytes UInt64, n_input_nonzero_bytes UInt64,
    meta_network_name String')
WHERE meta_network_name = {network:String}
  AND block_number BETWEEN {from_block:UInt64} AND {to_block:UInt64}
