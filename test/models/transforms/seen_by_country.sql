--! description: Blocks seen in each country
--! target: seen_by_country
--! sources: gossip_blocks
--! lookup: dim_node
--! rows: per-block
--! position: toUnixTimestamp(slot_start_date_time)

SELECT g.slot_start_date_time AS slot_start_date_time, d.country AS country, count() AS nodes
FROM {source:Identifier}.gossip_blocks AS g FINAL
LEFT JOIN {source:Identifier}.dim_node AS d ON g.node = d.node
WHERE meta_network_name = {network:String} AND g.slot_start_date_time BETWEEN fromUnixTimestamp({from:UInt64}) AND fromUnixTimestamp({to:UInt64})
GROUP BY slot_start_date_time, country
