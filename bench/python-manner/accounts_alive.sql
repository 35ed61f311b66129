INSERT INTO {target:Identifier}.int_accounts_alive (address, block_number, is_alive)
SELECT address, max(block_number), argMax(is_alive, (block_number, transaction_index, NOT is_alive))
FROM (
    SELECT address, block_number, last_tx_index AS transaction_index, true AS is_alive
    FROM {target:Identifier}.int_address_diffs FINAL
    WHERE block_number BETWEEN {from_block:UInt64} AND {to_block:UInt64}
    UNION ALL
    SELECT address, block_number, transaction_index, false AS is_alive
    FROM {target:Identifier}.int_pre_6780_accounts_destructs FINAL
    WHERE block_number BETWEEN {from_block:UInt64} AND {to_block:UInt64}
    UNION ALL
    SELECT address, block_number, transaction_index, NOT is_same_tx AS is_alive
    FROM {target:Identifier}.int_post_6780_accounts_destructs FINAL
    WHERE block_number BETWEEN {from_block:UInt64} AND {to_block:UInt64}
)
GROUP BY address
