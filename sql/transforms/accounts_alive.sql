--! description: Whether the latest event of an account, a change or a self-destruct, left it alive
--! target: int_accounts_alive
--! after: address_diffs, pre_6780_accounts_destructs, post_6780_accounts_destructs
--! rows: per-key latest block_number

WITH
    events AS (
        SELECT address AS account, block_number AS block, last_tx_index AS tx, false AS is_dead
        FROM {target:Identifier}.int_address_diffs FINAL
        WHERE block_number BETWEEN {from_block:UInt64} AND {to_block:UInt64}
        UNION ALL
        SELECT address AS account, block_number AS block, transaction_index AS tx, true AS is_dead
        FROM {target:Identifier}.int_pre_6780_accounts_destructs FINAL
        WHERE block_number BETWEEN {from_block:UInt64} AND {to_block:UInt64}
        UNION ALL
        -- Since EIP-6780 a self-destruct leaves an account that is older than its transaction alive.
        SELECT address AS account, block_number AS block, transaction_index AS tx, is_same_tx AS is_dead
        FROM {target:Identifier}.int_post_6780_accounts_destructs FINAL
        WHERE block_number BETWEEN {from_block:UInt64} AND {to_block:UInt64}
    ),
    ordered AS (
        -- Block, transaction, then the self-destruct last, as it takes effect when its transaction ends, as one
        -- number: a block has far fewer than 2^20 transactions.
        SELECT *, (toUInt64(block) * 1048576 + tx) * 2 + is_dead AS position
        FROM events
    )
SELECT
    account AS address,
    max(block) AS block_number,
    NOT argMax(is_dead, position) AS is_alive
FROM ordered
GROUP BY account
