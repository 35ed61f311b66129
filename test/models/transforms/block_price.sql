--! description: Gas per transfer of each block, over two inputs
--! target: block_price
--! after: block_gas, block_transfers
--! rows: per-block

SELECT g.block_number AS block_number, g.gas_used / t.n AS gas_per_transfer
FROM
(
    SELECT block_number, gas_used FROM {target:Identifier}.block_gas FINAL
    WHERE block_number BETWEEN {from_block:UInt64} AND {to_block:UInt64}
) AS g
INNER JOIN
(
    SELECT block_number, sum(transfers) AS n FROM {target:Identifier}.block_transfers FINAL
    WHERE block_number BETWEEN {from_block:UInt64} AND {to_block:UInt64}
    GROUP BY block_number
) AS t ON g.block_number = t.block_number
