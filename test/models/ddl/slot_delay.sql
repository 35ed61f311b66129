CREATE TABLE IF NOT EXISTS {target:Identifier}.slot_delay
(
    slot_start_date_time DateTime,
    since_seconds UInt32
)
ENGINE = ReplacingMergeTree
ORDER BY slot_start_date_time
