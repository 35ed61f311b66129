--! description: Amount of each token up to each block
--! target: transfer_total
--! after: block_transfers (all before)
--! rows: per-block

SELECT block_number, token, total
FROM
(
    SELECT block_number, token, sum(amount) OVER (PARTITION BY token ORDER BY block_number) AS total
    FROM {target:Identifier}.block_transfers FINAL
    WHERE block_number <= {to_block:UInt64}
)
WHERE block_number >= {from_block:UInt64}
