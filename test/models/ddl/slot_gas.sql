CREATE TABLE IF NOT EXISTS {target:Identifier}.slot_gas
(
    slot_start_date_time DateTime,
    gas_used UInt64
)
ENGINE = ReplacingMergeTree
ORDER BY slot_start_date_time
