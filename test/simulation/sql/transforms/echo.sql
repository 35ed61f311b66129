--! description: Every value of plain, one more
--! target: echo
--! after: plain
--! rows: per-block

SELECT block_number, value + 1 AS value
FROM {target:Identifier}.plain
WHERE block_number BETWEEN {from_block:UInt64} AND {to_block:UInt64}
