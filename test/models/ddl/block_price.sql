CREATE TABLE IF NOT EXISTS {target:Identifier}.block_price
(
    block_number UInt64,
    gas_per_transfer Float64
)
ENGINE = ReplacingMergeTree
ORDER BY block_number
