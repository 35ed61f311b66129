--! description: Gas used up to each block
--! target: gas_total
--! after: block_gas, itself
--! rows: per-block
--! order: sequential

SELECT block_number, sum(gas_used) OVER (ORDER BY block_number) + ifNull((
    SELECT max(total) FROM {target:Identifier}.gas_total FINAL WHERE block_number < {from_block:UInt64}
), 0) AS total
FROM {target:Identifier}.block_gas FINAL
WHERE block_number BETWEEN {from_block:UInt64} AND {to_block:UInt64}
