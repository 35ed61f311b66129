CREATE TABLE IF NOT EXISTS {target:Identifier}.slot_votes
(
    slot_start_date_time DateTime,
    votes UInt64,
    head_votes UInt64
)
ENGINE = ReplacingMergeTree
ORDER BY slot_start_date_time
