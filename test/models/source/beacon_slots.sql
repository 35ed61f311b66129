--! position: toUnixTimestamp(slot_start_date_time)
--! block-coverage: every-block
CREATE TABLE IF NOT EXISTS {source:Identifier}.beacon_slots
(
    updated_date_time DateTime,
    meta_network_name LowCardinality(String),
    slot UInt32,
    slot_start_date_time DateTime,
    proposer UInt32,
    block_root Nullable(String)
)
ENGINE = ReplacingMergeTree(updated_date_time)
ORDER BY (meta_network_name, slot_start_date_time)
