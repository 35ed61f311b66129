--! description: Seconds since the slot before that has a block
--! target: slot_delay
--! sources: beacon_slots
--! rows: per-block
--! position: toUnixTimestamp(slot_start_date_time)
--! order: sequential

SELECT slot_start_date_time, toUInt32(toUnixTimestamp(slot_start_date_time) - before) AS since_seconds
FROM
(
    SELECT slot_start_date_time, block_root, max(if(block_root IS NULL, 0, toUnixTimestamp(slot_start_date_time))) OVER (ORDER BY slot_start_date_time ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS before
    FROM {source:Identifier}.beacon_slots FINAL
    WHERE meta_network_name = {network:String} AND slot_start_date_time BETWEEN fromUnixTimestamp({from:UInt64}) - INTERVAL 1 HOUR AND fromUnixTimestamp({to:UInt64})
)
WHERE slot_start_date_time >= fromUnixTimestamp({from:UInt64}) AND block_root IS NOT NULL AND before > 0
