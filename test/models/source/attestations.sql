--! position: toUnixTimestamp(slot_start_date_time)
--! lag: 10m
--! gap: 2h
CREATE TABLE IF NOT EXISTS {source:Identifier}.attestations
(
    updated_date_time DateTime,
    meta_network_name LowCardinality(String),
    slot_start_date_time DateTime,
    validator UInt32,
    head Bool
)
ENGINE = ReplacingMergeTree(updated_date_time)
ORDER BY (meta_network_name, slot_start_date_time, validator)
