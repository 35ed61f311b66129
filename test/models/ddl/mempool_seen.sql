CREATE TABLE IF NOT EXISTS {target:Identifier}.mempool_seen
(
    event_date_time DateTime64(3),
    hash String,
    size UInt32
)
ENGINE = ReplacingMergeTree
ORDER BY (event_date_time, hash)
