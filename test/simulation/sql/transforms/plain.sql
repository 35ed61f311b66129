--! description: Every value of a block, in an engine that does not replace rows
--! target: plain
--! sources: events
--! rows: per-block

SELECT block_number, value
FROM {source:Identifier}.events FINAL
WHERE meta_network_name = {network:String} AND block_number BETWEEN {from_block:UInt64} AND {to_block:UInt64}
