--! description: When each block was first seen, with its proposer
--! target: slot_first_seen
--! sources: gossip_blocks, beacon_slots
--! rows: per-block
--! position: toUnixTimestamp(slot_start_date_time)

SELECT g.slot_start_date_time AS slot_start_date_time, b.proposer AS proposer, g.seen_ms AS seen_ms, g.nodes AS nodes
FROM
(
    SELECT slot_start_date_time, min(seen_ms) AS seen_ms, count() AS nodes
    FROM {source:Identifier}.gossip_blocks FINAL
    WHERE meta_network_name = {network:String} AND slot_start_date_time BETWEEN {from:DateTime} AND {to:DateTime}
    GROUP BY slot_start_date_time
) AS g
INNER JOIN
(
    SELECT slot_start_date_time, proposer FROM {source:Identifier}.beacon_slots FINAL
    WHERE meta_network_name = {network:String} AND slot_start_date_time BETWEEN fromUnixTimestamp({from:UInt64}) AND fromUnixTimestamp({to:UInt64})
) AS b ON g.slot_start_date_time = b.slot_start_date_time
