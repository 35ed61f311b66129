--! position: block_num
--! network: chain
--! written: inserted_at
CREATE TABLE IF NOT EXISTS {source:Identifier}.eth_transfers
(
    chain LowCardinality(String),
    block_num UInt64,
    log_index UInt32,
    token String,
    amount UInt64,
    inserted_at DateTime
)
ENGINE = ReplacingMergeTree(inserted_at)
ORDER BY (chain, block_num, log_index)
