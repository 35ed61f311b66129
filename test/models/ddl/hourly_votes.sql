CREATE TABLE IF NOT EXISTS {target:Identifier}.hourly_votes
(
    updated_date_time DateTime,
    hour_start_date_time DateTime,
    votes UInt64
)
ENGINE = ReplacingMergeTree(updated_date_time)
ORDER BY hour_start_date_time
