--! position: toUnixTimestamp(epoch_start_date_time)
--! network: none
--! written: updated_date_time
CREATE TABLE IF NOT EXISTS {source:Identifier}.epochs
(
    updated_date_time DateTime,
    epoch UInt32,
    epoch_start_date_time DateTime,
    validators UInt64
)
ENGINE = ReplacingMergeTree(updated_date_time)
ORDER BY epoch_start_date_time
