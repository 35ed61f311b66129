CREATE TABLE IF NOT EXISTS {target:Identifier}.block_transfers
(
    block_number UInt64,
    token String,
    transfers UInt64,
    amount UInt64
)
ENGINE = ReplacingMergeTree
ORDER BY (block_number, token)
