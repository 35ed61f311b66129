--! description: Contract creations, out of a Parquet file

SELECT
    toDateTime(updated_date_time) AS updated_date_time,
    toUInt64(block_number) AS block_number,
    toFixedString(transaction_hash, 66) AS transaction_hash,
    -- Files of older exports do not number the rows of a transaction: what they are about does.
    accurateCast(if({has_internal_index:Bool}, internal_index,
        dense_rank() OVER (PARTITION BY block_number, transaction_hash ORDER BY create_index, contract_address)), 'UInt32') AS internal_index,
    accurateCast(create_index, 'UInt32') AS create_index,
    toString(contract_address) AS contract_address,
    toString(deployer) AS deployer,
    toString(factory) AS factory,
    toString(init_code) AS init_code,
    CAST(code AS Nullable(String)) AS code,
    toString(init_code_hash) AS init_code_hash,
    accurateCast(n_init_code_bytes, 'UInt32') AS n_init_code_bytes,
    accurateCast(n_code_bytes, 'UInt32') AS n_code_bytes,
    toString(code_hash) AS code_hash,
    toLowCardinality(meta_network_name) AS meta_network_name
-- The columns of the file, and as what they are read, however the file has them.
FROM input('
    updated_date_time DateTime, block_number UInt64, transaction_hash String, internal_index UInt64,
    create_index UInt64, contract_address String, deployer String, factory String, init_code String,
    code Nullable(String), init_code_hash String, n_init_code_bytes UInt64, n_code_bytes UInt64,
    code_hash String, meta_network_name String')
WHERE meta_network_name = {network:String}
  AND block_number BETWEEN {from_block:UInt64} AND {to_block:UInt64}
