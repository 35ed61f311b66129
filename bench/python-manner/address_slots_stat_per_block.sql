INSERT INTO {target:Identifier}.int_address_slots_stat_per_block (address, block_number, slots_cleared, slots_set)
SELECT
    account, toUInt32(block_number),
    toUInt32(countIf(from_value != concat('0x', repeat('0', 64)) AND to_value = concat('0x', repeat('0', 64)))),
    toUInt32(countIf(from_value = concat('0x', repeat('0', 64)) AND to_value != concat('0x', repeat('0', 64))))
FROM (
    SELECT lower(address) AS account, block_number, from_value, to_value, lower(transaction_hash) AS hash
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
GROUP BY account, block_number
