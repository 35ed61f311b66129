--! description: Per block, how many storage slots were set and cleared
--! target: int_block_slots_stat
--! sources: canonical_execution_storage_diffs, canonical_execution_transaction
--! rows: per-block

WITH
    concat('0x', repeat('0', 64)) AS zero,
    succeeded AS (
        -- A transaction as one number: a block has far fewer than 2^20 transactions.
        SELECT block_number * 1048576 + transaction_index AS tx
        FROM {source:Identifier}.canonical_execution_transaction FINAL
        WHERE meta_network_name = {network:String}
          AND block_number BETWEEN {from_block:UInt64} AND {to_block:UInt64}
          AND success
    ),
    changed AS (
        SELECT
            block_number AS block, block_number * 1048576 + transaction_index AS tx,
            from_value != zero AND to_value = zero AS is_cleared,
            from_value = zero AND to_value != zero AS is_set
        FROM {source:Identifier}.canonical_execution_storage_diffs FINAL
        WHERE meta_network_name = {network:String}
          AND block_number BETWEEN {from_block:UInt64} AND {to_block:UInt64}
    )
SELECT
    toUInt32(block) AS block_number,
    toUInt32(countIf(is_cleared)) AS slots_cleared,
    toUInt32(countIf(is_set)) AS slots_set
FROM changed
WHERE tx IN (SELECT tx FROM succeeded)
GROUP BY block
