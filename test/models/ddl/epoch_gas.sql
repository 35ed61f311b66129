CREATE TABLE IF NOT EXISTS {target:Identifier}.epoch_gas
(
    epoch_start_date_time DateTime,
    gas_used UInt64
)
ENGINE = ReplacingMergeTree
ORDER BY epoch_start_date_time
