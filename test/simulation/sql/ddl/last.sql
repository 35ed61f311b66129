CREATE TABLE IF NOT EXISTS {target:Identifier}.last
(
    key UInt64,
    block_number UInt64,
    value UInt64
)
ENGINE = ReplacingMergeTree(block_number)
ORDER BY key
