CREATE TABLE IF NOT EXISTS {target:Identifier}.transfer_total
(
    block_number UInt64,
    token String,
    total UInt64
)
ENGINE = ReplacingMergeTree
ORDER BY (block_number, token)
