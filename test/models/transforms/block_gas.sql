--! description: Gas per block
--! target: block_gas
--! sources: eth_blocks
--! rows: per-block

SELECT number AS block_number, timestamp AS block_time, gas_used
FROM {source:Identifier}.eth_blocks
WHERE number BETWEEN {from_block:UInt64} AND {to_block:UInt64}
