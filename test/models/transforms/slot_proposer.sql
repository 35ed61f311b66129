--! description: Who proposed each slot
--! target: slot_proposer
--! sources: beacon_slots
--! rows: per-block
--! position: toUnixTimestamp(slot_start_date_time)

SELECT slot, slot_start_date_time, proposer, block_root IS NULL AS is_missed
FROM {source:Identifier}.beacon_slots FINAL
WHERE meta_network_name = {network:String} AND slot_start_date_time BETWEEN fromUnixTimestamp({from:UInt64}) AND fromUnixTimestamp({to:UInt64})
