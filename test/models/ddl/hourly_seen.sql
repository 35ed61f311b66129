CREATE TABLE IF NOT EXISTS {target:Identifier}.hourly_seen
(
    updated_date_time DateTime,
    hour_start_date_time DateTime,
    p50_ms UInt32
)
ENGINE = ReplacingMergeTree(updated_date_time)
ORDER BY hour_start_date_time
