--! description: Last block in which a transaction read, changed or created the address
--! target: int_address_last_access
--! sources: canonical_execution_balance_diffs, canonical_execution_storage_diffs, canonical_execution_nonce_diffs, canonical_execution_balance_reads, canonical_execution_storage_reads, canonical_execution_nonce_reads, canonical_execution_contracts, canonical_execution_transaction
--! shared: accesses
--! rows: per-key latest block_number

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
    accessed AS (
        SELECT block_number * 1048576 + transaction_index AS tx, lower(address) AS account
        FROM {source:Identifier}.canonical_execution_balance_diffs FINAL
        WHERE meta_network_name = {network:String}
          AND block_number BETWEEN {from_block:UInt64} AND {to_block:UInt64}
        UNION ALL
        SELECT block_number * 1048576 + transaction_index AS tx, lower(address) AS account
        FROM {source:Identifier}.canonical_execution_storage_diffs FINAL
        WHERE meta_network_name = {network:String}
          AND block_number BETWEEN {from_block:UInt64} AND {to_block:UInt64}
        UNION ALL
        SELECT block_number * 1048576 + transaction_index AS tx, lower(address) AS account
        FROM {source:Identifier}.canonical_execution_nonce_diffs FINAL
        WHERE meta_network_name = {network:String}
          AND block_number BETWEEN {from_block:UInt64} AND {to_block:UInt64}
        UNION ALL
        SELECT block_number * 1048576 + transaction_index AS tx, lower(address) AS account
        FROM {source:Identifier}.canonical_execution_balance_reads FINAL
        WHERE meta_network_name = {network:String}
          AND block_number BETWEEN {from_block:UInt64} AND {to_block:UInt64}
        UNION ALL
        SELECT block_number * 1048576 + transaction_index AS tx, lower(contract_address) AS account
        FROM {source:Identifier}.canonical_execution_storage_reads FINAL
        WHERE meta_network_name = {network:String}
          AND block_number BETWEEN {from_block:UInt64} AND {to_block:UInt64}
        UNION ALL
        SELECT block_number * 1048576 + transaction_index AS tx, lower(address) AS account
        FROM {source:Identifier}.canonical_execution_nonce_reads FINAL
        WHERE meta_network_name = {network:String}
          AND block_number BETWEEN {from_block:UInt64} AND {to_block:UInt64}
        UNION ALL
        -- The source of contracts lacks the transaction index: the hash leads to it.
        -- Creations are few: they are the right side of the join, which is held in memory.
        SELECT tx, account
        FROM succeeded
        ALL INNER JOIN created USING (block, hash)
    ),
    accesses AS (
        -- First and last at once: the other table of the two shares this step (`shared` above) and takes what it needs.
        SELECT account, min(tx) AS first_tx, max(tx) AS last_tx
        FROM accessed
        WHERE tx IN (SELECT tx FROM succeeded)
        GROUP BY account
    )
SELECT
    account AS address,
    toUInt32(intDiv(last_tx, 1048576)) AS block_number,
    false AS is_deleted -- reserved: accounts_alive knows which accounts were destructed
FROM accesses
