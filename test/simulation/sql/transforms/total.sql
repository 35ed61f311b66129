--! description: The sum of all values up to a block
--! target: total
--! sources: events
--! after: itself
--! order: sequential
--! rows: per-block

WITH ifNull((
    SELECT sum(value) FROM {target:Identifier}.total FINAL
    WHERE block_number = {from_block:UInt64} - 1
), 0) AS before
SELECT block_number, before + sum(value) OVER (ORDER BY block_number) AS value
FROM {source:Identifier}.events FINAL
WHERE meta_network_name = {network:String} AND block_number BETWEEN {from_block:UInt64} AND {to_block:UInt64}
