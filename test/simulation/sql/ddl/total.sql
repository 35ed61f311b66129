CREATE TABLE IF NOT EXISTS {target:Identifier}.total
(
    block_number UInt64,
    value UInt64
)
ENGINE = ReplacingMergeTree
ORDER BY block_number
