--! description: Of three keys, the last block and its value
--! target: last
--! sources: events
--! rows: per-key latest block_number

SELECT block % 3 AS key, max(block) AS block_number, argMax(found, block) AS value
FROM (
    SELECT block_number AS block, value AS found
    FROM {source:Identifier}.events FINAL
    WHERE meta_network_name = {network:String} AND block_number BETWEEN {from_block:UInt64} AND {to_block:UInt64}
)
GROUP BY key
