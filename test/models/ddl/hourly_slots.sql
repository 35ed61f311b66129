CREATE TABLE IF NOT EXISTS {target:Identifier}.hourly_slots
(
    updated_date_time DateTime,
    hour_start_date_time DateTime,
    slots UInt64,
    missed UInt64
)
ENGINE = ReplacingMergeTree(updated_date_time)
ORDER BY hour_start_date_time
