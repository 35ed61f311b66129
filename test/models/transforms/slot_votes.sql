--! description: Votes of each slot
--! target: slot_votes
--! sources: attestations
--! rows: per-block
--! position: toUnixTimestamp(slot_start_date_time)

SELECT slot_start_date_time, count() AS votes, countIf(head) AS head_votes
FROM {source:Identifier}.attestations FINAL
WHERE meta_network_name = {network:String} AND toUnixTimestamp(slot_start_date_time) BETWEEN {from:UInt64} AND {to:UInt64}
GROUP BY slot_start_date_time
