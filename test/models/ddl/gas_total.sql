CREATE TABLE IF NOT EXISTS {target:Identifier}.gas_total
(
    block_number UInt64,
    total UInt64
)
ENGINE = ReplacingMergeTree
ORDER BY block_number
