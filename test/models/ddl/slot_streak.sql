CREATE TABLE IF NOT EXISTS {target:Identifier}.slot_streak
(
    slot_start_date_time DateTime,
    proposed UInt64
)
ENGINE = ReplacingMergeTree
ORDER BY slot_start_date_time
