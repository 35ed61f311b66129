CREATE TABLE IF NOT EXISTS {target:Identifier}.epoch_stamped
(
    epoch UInt32,
    epoch_start_date_time DateTime,
    validators UInt64,
    id UUID
)
ENGINE = ReplacingMergeTree
ORDER BY epoch_start_date_time
