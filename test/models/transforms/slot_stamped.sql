--! description: Slots with the time of their computation
--! target: slot_stamped
--! sources: beacon_slots
--! rows: per-block
--! position: toUnixTimestamp(slot_start_date_time)

SELECT now() AS updated_date_time, slot_start_date_time, proposer
FROM {source:Identifier}.beacon_slots FINAL
WHERE meta_network_name = {network:String} AND slot_start_date_time BETWEEN fromUnixTimestamp({from:UInt64}) AND fromUnixTimestamp({to:UInt64})
