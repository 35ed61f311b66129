--! description: Per address and block, how many transactions changed or created the address, and the last of them
--! target: int_address_diffs
--! sources: canonical_execution_balance_diffs, canonical_execution_storage_diffs, canonical_execution_nonce_diffs, canonical_execution_contracts, canonical_execution_transaction
--! rows: per-block

WITH
    succeeded AS (
        -- A transaction as one number: a block has far fewer than 2^20 transactions.
        SELECT block_number * 1048576 + transaction_index AS tx, block_number AS block, lower(transaction_hash) AS hash
        FROM {source:Identifier}.canonical_execution_transaction FINAL
        WHERE meta_network_name = {network:String}
          AND block_number BETWEEN {from_block:UInt64} AND {to_block:UInt64}
          AND success
    ),
    created AS (
        SELECT block_number AS block, lower(transaction_hash) AS hash, lower(contract_address) AS account
        FROM {source:Identifier}.canonical_execution_contracts FINAL
        WHERE meta_network_name = {network:String}
          AND block_number BETWEEN {from_block:UInt64} AND {to_block:UInt64}
    ),
    changed AS (
        SELECT block_number AS block, block_number * 1048576 + transaction_index AS tx, lower(address) AS account
        FROM {source:Identifier}.canonical_execution_balance_diffs FINAL
        WHERE meta_network_name = {network:String}
          AND block_number BETWEEN {from_block:UInt64} AND {to_block:UInt64}
        UNION ALL
        SELECT block_number AS block, block_number * 1048576 + transaction_index AS tx, lower(address) AS account
        FROM {source:Identifier}.canonical_execution_storage_diffs FINAL
        WHERE meta_network_name = {network:String}
          AND block_number BETWEEN {from_block:UInt64} AND {to_block:UInt64}
        UNION ALL
        SELECT block_number AS block, block_number * 1048576 + transaction_index AS tx, lower(address) AS account
        FROM {source:Identifier}.canonical_execution_nonce_diffs FINAL
        WHERE meta_network_name = {network:String}
          AND block_number BETWEEN {from_block:UInt64} AND {to_block:UInt64}
        UNION ALL
        -- The source of contracts lacks the transaction index: the hash leads to it.
        -- Creations are few: they are the right side of the join, which is held in memory.
        SELECT block, tx, account
        FROM succeeded
        ALL INNER JOIN created USING (block, hash)
    )
SELECT
    account AS address,
    toUInt32(block) AS block_number,
    -- An address has few rows in a block: an array of them is smaller and faster than a set.
    toUInt32(arrayUniq(groupArray(tx))) AS tx_count,
    toUInt32(max(tx) % 1048576) AS last_tx_index
FROM changed
WHERE tx IN (SELECT tx FROM succeeded)
GROUP BY account, block
