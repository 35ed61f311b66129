--! description: Storage slots as transactions found them, out of a Parquet file

SELECT
    toDateTime(updated_date_time) AS updated_date_time,
    toUInt64(block_number) AS block_number,
    toUInt64(transaction_index) AS transaction_index,
    toFixedString(transaction_hash, 66) AS transaction_hash,
    -- Files of older exports do not number the rows of a transaction: what they are about does.
    accurateCast(if({has_internal_index:Bool}, internal_index,
        dense_rank() OVER (PARTITION BY block_number, transaction_hash ORDER BY contract_address, slot)), 'UInt32') AS internal_index,
    toString(contract_address) AS contract_address,
    toString(slot) AS slot,
    toString(value) AS value,
    toLowCardinality(meta_network_name) AS meta_network_name
-- The columns of the file, and as what they are read, however the file has them.
FROM input('
    updated_date_time DateTime, block_number UInt64, transaction_index UInt64, transaction_hash String,
    internal_index UInt64, contract_address String, slot String, value String, meta_network_name String')
WHERE meta_network_name = {network:String}
  AND block_number BETWEEN {from_block:UInt64} AND {to_block:UInt64}
