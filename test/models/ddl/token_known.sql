CREATE TABLE IF NOT EXISTS {target:Identifier}.token_known
(
    block_number UInt64,
    token String,
    n UInt64
)
ENGINE = ReplacingMergeTree
ORDER BY (block_number, token)
