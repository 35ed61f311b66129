--! description: Gas of the block of each slot
--! target: slot_gas
--! sources: beacon_slots
--! lookup: eth_blocks
--! rows: per-block
--! position: toUnixTimestamp(slot_start_date_time)

SELECT s.slot_start_date_time AS slot_start_date_time, b.gas_used AS gas_used
FROM (SELECT slot_start_date_time FROM {source:Identifier}.beacon_slots FINAL WHERE meta_network_name = {network:String} AND slot_start_date_time BETWEEN fromUnixTimestamp({from:UInt64}) AND fromUnixTimestamp({to:UInt64})) AS s
INNER JOIN {source:Identifier}.eth_blocks AS b ON b.timestamp = s.slot_start_date_time
