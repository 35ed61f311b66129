INSERT INTO {target:Identifier}.int_address_storage_slot_first_access (address, slot_key, block_number, value)
SELECT
    account, slot_key, toUInt32(min(block_number)), argMin(content, (block_number, transaction_index, is_write))
FROM (
    SELECT lower(contract_address) AS account, lower(slot) AS slot_key, value AS content, block_number, transaction_index,
        0 AS is_write, lower(transaction_hash) AS hash
    FROM {source:Identifier}.canonical_execution_storage_reads FINAL
    WHERE meta_network_name = {network:String}
      AND block_number BETWEEN {from_block:UInt64} AND {to_block:UInt64}
    UNION ALL
    SELECT lower(address) AS account, lower(slot) AS slot_key, to_value AS content, block_number, transaction_index,
        1 AS is_write, lower(transaction_hash) AS hash
    FROM {source:Identifier}.canonical_execution_storage_diffs FINAL
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
GROUP BY account, slot_key
