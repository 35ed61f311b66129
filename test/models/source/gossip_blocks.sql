--! position: toUnixTimestamp(slot_start_date_time)
--! lag: 1m
CREATE TABLE IF NOT EXISTS {source:Identifier}.gossip_blocks
(
    updated_date_time DateTime,
    meta_network_name LowCardinality(String),
    slot_start_date_time DateTime,
    node UInt32,
    seen_ms UInt32
)
ENGINE = ReplacingMergeTree(updated_date_time)
ORDER BY (meta_network_name, slot_start_date_time, node)
