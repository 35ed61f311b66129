--! description: Blocks with a number made anew each time
--! target: block_numbered
--! sources: eth_blocks
--! rows: per-block
--! volatile: id

SELECT number AS block_number, * EXCEPT (number, timestamp, gas_used)
FROM (SELECT *, rand64() AS id FROM {source:Identifier}.eth_blocks WHERE number BETWEEN {from_block:UInt64} AND {to_block:UInt64})
