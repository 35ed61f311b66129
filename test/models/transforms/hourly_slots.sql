--! description: Slots of each hour
--! target: hourly_slots
--! sources: beacon_slots
--! rows: per-key latest updated_date_time
--! order: sequential

SELECT now() AS updated_date_time, toStartOfHour(slot_start_date_time) AS hour_start_date_time, count() AS slots, countIf(block_root IS NULL) AS missed
FROM {source:Identifier}.beacon_slots FINAL
WHERE meta_network_name = {network:String}
  AND slot_start_date_time >= toStartOfHour(fromUnixTimestamp({from:UInt64}))
  AND slot_start_date_time < toStartOfHour(fromUnixTimestamp({to:UInt64})) + INTERVAL 1 HOUR
GROUP BY hour_start_date_time
