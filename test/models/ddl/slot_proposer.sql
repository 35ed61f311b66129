CREATE TABLE IF NOT EXISTS {target:Identifier}.slot_proposer
(
    slot UInt32,
    slot_start_date_time DateTime,
    proposer UInt32,
    is_missed Bool
)
ENGINE = ReplacingMergeTree
ORDER BY slot_start_date_time
