CREATE TABLE IF NOT EXISTS {target:Identifier}.slot_first_seen
(
    slot_start_date_time DateTime,
    proposer UInt32,
    seen_ms UInt32,
    nodes UInt64
)
ENGINE = ReplacingMergeTree
ORDER BY slot_start_date_time
