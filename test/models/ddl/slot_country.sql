CREATE TABLE IF NOT EXISTS {target:Identifier}.slot_country
(
    slot_start_date_time DateTime,
    country String
)
ENGINE = ReplacingMergeTree
ORDER BY slot_start_date_time
