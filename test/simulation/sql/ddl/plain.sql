CREATE TABLE IF NOT EXISTS {target:Identifier}.plain
(
    block_number UInt64,
    value UInt64
)
ENGINE = MergeTree
ORDER BY block_number
