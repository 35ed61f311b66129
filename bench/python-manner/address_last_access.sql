INSERT INTO {target:Identifier}.int_address_last_access (address, block_number, is_deleted)
SELECT
    account, toUInt32(max(block_number)), false
FROM (
    SELECT lower(address) AS account, block_number, transaction_index, lower(transaction_hash) AS hash
    FROM {source:Identifier}.canonical_execution_balance_diffs FINAL
    WHERE meta_network_name = {network:String}
      AND block_number BETWEEN {from_block:UInt64} AND {to_block:UInt64}
    UNION ALL
    SELECT lower(address) AS account, block_number, transaction_index, lower(transaction_hash) AS hash
    FROM {source:Identifier}.canonical_execution_storage_diffs FINAL
    WHERE meta_network_name = {network:String}
      AND block_number BETWEEN {from_block:UInt64} AND {to_block:UInt64}
    UNION ALL
    SELECT lower(address) AS account, block_number, transaction_index, lower(transaction_hash) AS hash
    FROM {source:Identifier}.canonical_execution_nonce_diffs FINAL
    WHERE meta_network_name = {network:String}
      AND block_number BETWEEN {from_block:UInt64} AND {to_block:UInt64}
    UNION ALL
    SELECT lower(address) AS account, block_number, transaction_index, lower(transaction_hash) AS hash
    FROM {source:Identifier}.canonical_execution_balance_reads FINAL
    WHERE meta_network_name = {network:String}
      AND block_number BETWEEN {from_block:UInt64} AND {to_block:UInt64}
    UNION ALL
    SELECT lower(contract_address) AS account, block_number, transaction_index, lower(transaction_hash) AS hash
    FROM {source:Identifier}.canonical_execution_storage_reads FINAL
    WHERE meta_network_name = {network:String}
      AND block_number BETWEEN {from_block:UInt64} AND {to_block:UInt64}
    UNION ALL
    SELECT lower(address) AS account, block_number, transaction_index, lower(transaction_hash) AS hash
    FROM {source:Identifier}.canonical_execution_nonce_reads FINAL
    WHERE meta_network_name = {network:String}
      AND block_number BETWEEN {from_block:UInt64} AND {to_block:UInt64}
    UNION ALL
    SELECT lower(c.contract_address) AS account, c.block_number, x.transaction_index, x.hash
    FROM {source:Identifier}.canonical_execution_contracts AS c FINAL
    INNER JOIN (
        SELECT lower(transaction_hash) AS hash, transaction_index
        FROM {source:Identifier}.canonical_execution_transaction FINAL
        WHERE meta_network_name = {network:String}
          AND block_number BETWEEN {from_block:UInt64} AND {to_block:UInt64}
    ) AS x ON lower(c.transaction_hash) = x.hash
    WHERE meta_network_name = {network:String}
      AND block_number BETWEEN {from_block:UInt64} AND {to_block:UInt64}
) AS a
INNER JOIN (
    SELECT lower(transaction_hash) AS hash
    FROM {source:Identifier}.canonical_execution_transaction FINAL
    WHERE meta_network_name = {network:String}
      AND block_number BETWEEN {from_block:UInt64} AND {to_block:UInt64}
      AND success
) AS t USING (hash)
GROUP BY account
