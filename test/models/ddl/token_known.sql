CREATE TABLE IF NOT EXISTS {target:Identifier}.token_known
(
    block_number UInt64,
    token String,
    n UInt64
)
ENGINE = ReplacingMergeTree
PARTITION BY cityHash64(block_number, token) % 200
ORDER BY (block_number, token)
