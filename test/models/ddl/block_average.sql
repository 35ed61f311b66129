CREATE TABLE IF NOT EXISTS {target:Identifier}.block_average
(
    block_number UInt64,
    mean_gas Float64
)
ENGINE = ReplacingMergeTree
ORDER BY block_number
