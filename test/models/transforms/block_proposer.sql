--! description: Proposer of each block
--! target: block_proposer
--! sources: eth_blocks
--! lookup: beacon_slots
--! rows: per-block

SELECT b.number AS block_number, s.proposer AS proposer
FROM (SELECT number, timestamp FROM {source:Identifier}.eth_blocks WHERE number BETWEEN {from_block:UInt64} AND {to_block:UInt64}) AS b
INNER JOIN (SELECT slot_start_date_time, proposer FROM {source:Identifier}.beacon_slots FINAL WHERE meta_network_name = {network:String}) AS s
  ON b.timestamp = s.slot_start_date_time
