--! position: toUnixTimestamp(event_date_time)
--! written: none
--! lag: 300
--! block-coverage: sparse
CREATE TABLE IF NOT EXISTS {source:Identifier}.mempool
(
    meta_network_name LowCardinality(String),
    event_date_time DateTime64(3),
    hash String,
    size UInt32
)
ENGINE = MergeTree
ORDER BY (meta_network_name, event_date_time)
