CREATE TABLE IF NOT EXISTS {target:Identifier}.slot_stamped
(
    updated_date_time DateTime,
    slot_start_date_time DateTime,
    proposer UInt32
)
ENGINE = ReplacingMergeTree(updated_date_time)
ORDER BY slot_start_date_time
