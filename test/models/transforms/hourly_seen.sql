--! description: How fast blocks were seen in each hour
--! target: hourly_seen
--! sources: gossip_blocks
--! rows: per-key latest updated_date_time
--! order: sequential

SELECT now() AS updated_date_time, toStartOfHour(slot_start_date_time) AS hour_start_date_time, quantileExact(0.5)(seen_ms) AS p50_ms
FROM {source:Identifier}.gossip_blocks FINAL
WHERE meta_network_name = {network:String}
  AND slot_start_date_time >= toStartOfHour(fromUnixTimestamp({from:UInt64}))
  AND slot_start_date_time < toStartOfHour(fromUnixTimestamp({to:UInt64})) + INTERVAL 1 HOUR
GROUP BY hour_start_date_time
