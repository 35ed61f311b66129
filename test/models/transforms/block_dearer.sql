--! description: Blocks of the whole chain that used more gas
--! target: block_dearer
--! sources: eth_blocks
--! lookup: block_gas
--! rows: per-block

SELECT block_number, countIf(other > gas) AS dearer
FROM (SELECT number AS block_number, gas_used AS gas FROM {source:Identifier}.eth_blocks WHERE number BETWEEN {from_block:UInt64} AND {to_block:UInt64}) AS own
CROSS JOIN (SELECT gas_used AS other FROM {target:Identifier}.block_gas FINAL) AS others
GROUP BY block_number
