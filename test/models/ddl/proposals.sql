CREATE TABLE IF NOT EXISTS {target:Identifier}.proposals
(
    slot_start_date_time DateTime,
    proposer UInt32,
    proposals UInt64
)
ENGINE = ReplacingMergeTree
ORDER BY slot_start_date_time
