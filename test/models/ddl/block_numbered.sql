CREATE TABLE IF NOT EXISTS {target:Identifier}.block_numbered
(
    block_number UInt64,
    id UInt64,
    miner String,
    made_at DateTime DEFAULT now()
)
ENGINE = ReplacingMergeTree
ORDER BY block_number
