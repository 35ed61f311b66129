--! description: Mean gas of the last twenty blocks
--! target: block_average
--! after: block_gas (all before)
--! rows: per-block

SELECT block_number, mean_gas
FROM
(
    SELECT block_number, avg(gas_used) OVER (ORDER BY block_number ROWS BETWEEN 19 PRECEDING AND CURRENT ROW) AS mean_gas
    FROM {target:Identifier}.block_gas FINAL
    WHERE block_number BETWEEN greatest({from_block:UInt64}, 19) - 19 AND {to_block:UInt64}
)
WHERE block_number >= {from_block:UInt64}
