CREATE TABLE IF NOT EXISTS {target:Identifier}.block_gas
(
    block_number UInt64,
    block_time DateTime,
    gas_used UInt64
)
ENGINE = ReplacingMergeTree
ORDER BY block_number
