CREATE TABLE IF NOT EXISTS {target:Identifier}.seen_by_country
(
    slot_start_date_time DateTime,
    country String,
    nodes UInt64
)
ENGINE = ReplacingMergeTree
ORDER BY (slot_start_date_time, country)
